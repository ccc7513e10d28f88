/** From a trail's configuration to the parts that write it; `run`, and `setup` when it seals the end, share them. */
import { systemClock } from '../base/clock.ts';
import type { TrailParts } from '../capture/pipeline.ts';
import { policyOf, retentionsOf } from '../config/compile.ts';
import type { Config, TrailConfig } from '../config/schema.ts';
import { readSigner } from '../seal/signer.ts';
import { createFileSpool } from '../seal/spool.ts';
import { openStore } from '../store/open.ts';
import type { CommandIo } from './command.ts';

export type WriterParts = Pick<
  TrailParts,
  'name' | 'store' | 'signer' | 'policy' | 'limits' | 'retentions' | 'classes' | 'clock'
>;

/** Reads the keys and opens the store; the caller closes it. Throws `config_invalid`, `key_invalid`. */
export async function writerParts(config: Config, trail: TrailConfig, io: CommandIo): Promise<WriterParts> {
  const { max_age, max_bytes, max_records, idle } = config.seal;
  return {
    name: trail.name,
    signer: readSigner(config.signer.path, trail.name),
    policy: policyOf(config, trail),
    limits: { maxAgeMs: max_age, maxBytes: max_bytes, maxRecords: max_records, idleMs: idle },
    retentions: retentionsOf(config, trail),
    classes: ['trail', 'default', ...trail.tables.map((table) => table.class)],
    clock: systemClock,
    store: await openStore(config.store, trail.name, io.env),
  };
}

/** What a trail holds back in files: rows that wait for their context, and what its source may not deliver yet. */
export function spoolsOf({ spool: { path, max_bytes: maxBytes } }: Config, { name }: TrailConfig) {
  return {
    waiting: createFileSpool(path, name, maxBytes),
    overflow: { open: () => createFileSpool(path, `${name}.prepared`, maxBytes), maxBytes },
  };
}
