/** Where a trail ends, as its store tells: for commands that look and write nothing. */
import { RowsealError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import type { Config, TrailConfig } from '../config/schema.ts';
import { sealCheck } from '../seal/head/oldest.ts';
import { type Recovered, recover } from '../seal/head/recover.ts';
import { readSigner } from '../seal/signer.ts';
import { ASKING_MS, openStore } from '../store/open.ts';
import type { Signer } from '../trail/note.ts';
import type { CommandIo } from './command.ts';

/** Null where there is no trail. Throws what the store throws, and `trail_invalid`. */
export async function readHead(
  config: Config,
  trail: TrailConfig,
  signer: Signer,
  env: CommandIo['env'],
): Promise<Recovered['head'] | null> {
  const store = await openStore(config.store, trail.name, env, ASKING_MS);
  try {
    const recovered = await recover(store, sealCheck(trail.name, signer.key), [], silentLog);
    return recovered?.head ?? null;
  } finally {
    await store.close();
  }
}

/** For saying what is not sealed: null where there is no trail, or where it can't be read, which sealing then tells. */
export async function readThrough(
  config: Config,
  trail: TrailConfig,
  env: CommandIo['env'],
): Promise<string | null> {
  try {
    const head = await readHead(config, trail, readSigner(config.signer.path, trail.name), env);
    return head?.through ?? null;
  } catch (error) {
    if (error instanceof RowsealError) return null;
    throw error;
  }
}
