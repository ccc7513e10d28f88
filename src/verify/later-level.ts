/**
 * Seals whose records follow rules of a later level than this verifier knows. Auditors upgrade last: what a later version
 * wrote is not tampered with because we do not know it, and it must never pass for checked either.
 */
import { isOfLaterLevel, KNOWN_LEVEL } from '../trail/seal.ts';
import type { FindingLog } from './findings/findings.ts';
import type { Link } from './seals/seals.ts';

export interface LaterLevel {
  readonly first: Link;
  readonly last: Link;
  /** Behind the last one another key signs, by rules of that level: nothing there can be checked. */
  readonly changesKey: boolean;
}

/** What is known of such seals once this one has come. */
export function noteLevel(known: LaterLevel | null, link: Link): LaterLevel | null {
  const { seal } = link.file;
  if (!isOfLaterLevel(seal)) return known;
  return { first: known?.first ?? link, last: link, changesKey: seal.next_key !== undefined };
}

/** Once for all of them. */
export function reportLevel(
  known: LaterLevel | null,
  { sealsOnly }: { readonly sealsOnly: boolean },
  log: FindingLog,
): void {
  if (known === null) return;
  const { first, last, changesKey } = known;
  const level = `level ${first.file.seal.source.level}, this verifier knows ${KNOWN_LEVEL}`;
  if (!sealsOnly) {
    const message = `records from here on are of ${level}: only their hashes were checked`;
    log.add('level_unknown', first.key, message, { seal: first.number });
  }
  if (changesKey) {
    const message = `it names the key that signs from here on, by rules of ${level}: nothing behind it was checked`;
    log.add('level_unknown', last.key, message, { seal: last.number });
  }
}
