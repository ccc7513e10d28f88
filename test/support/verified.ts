/** Verifies objects in memory and says what was found, for tests. */
import type { TrailReader } from '../../src/store/store.ts';
import type { VerifierKey } from '../../src/trail/note.ts';
import type { Verdict } from '../../src/verify/verdict.ts';
import { type VerifyOptions, verify } from '../../src/verify/verify.ts';
import { memoryReader, SIGNER, type StoredVersion } from './trail-builder.ts';

export async function verified(
  trail: TrailReader | ReadonlyMap<string, Buffer | readonly StoredVersion[]>,
  options: Partial<VerifyOptions> & { key?: VerifierKey | null } = {},
): Promise<Verdict & { codes: string[]; noticed: string[] }> {
  const reader = trail instanceof Map ? memoryReader(trail) : (trail as TrailReader);
  const verdict = await verify(reader, {
    key: SIGNER.key,
    sealsOnly: false,
    since: 0,
    remembered: null,
    now: new Date('2026-11-22T00:00:00Z'),
    threads: 1,
    ...options,
  });
  return {
    ...verdict,
    codes: [...new Set([...verdict.findings, ...verdict.unchecked].map(({ code }) => code))],
    noticed: [...new Set(verdict.notices.map(({ code }) => code))],
  };
}
