/**
 * What one authentic seal can be held to by itself, and against the one before it. Pure. These are the rules that
 * an operator who holds the key can still break, so nothing here trusts a signature.
 */
import { rootOf } from '../../trail/merkle.ts';
import { segmentPath, TRAIL_CLASS } from '../../trail/names.ts';
import { parseMidnight, parseSealedAt } from '../../trail/retention.ts';
import { decodeRange, type Seal } from '../../trail/seal.ts';
import type { Fault } from '../findings/findings.ts';
import { nextKeyFault } from './keys.ts';
import type { Link } from './seals.ts';

/** Everything that is wrong with a seal, apart from its records. `previous` null: it cannot be compared. */
export function sealFaults(link: Link, previous: Link | null): Fault[] {
  const { seal, checkpoint } = link.file;
  const faults: Fault[] = [];
  const add = (code: Fault['code'], message: string) => faults.push({ code, message });

  const size = seal.first + seal.count + 1;
  if (checkpoint.size !== size) add('checkpoint_size', `the signed size is ${checkpoint.size}, not ${size}`);
  checkSegments(seal, add);
  checkRetention(seal, add);
  if (seal.number === 0) checkFirst(seal, add);
  else if (seal.log_key !== undefined) add('log_key_mismatch', 'it names a key, which only seal 0 does');
  const unsigned = nextKeyFault(link.file);
  if (unsigned !== null) add('next_key_unsigned', unsigned);
  if (seal.source.partial !== undefined && seal.source.transactions === 0) {
    add('partial_rule', 'a transaction is unfinished, yet none has a record');
  }
  if (previous !== null) checkLink(link, previous, add);
  return faults;
}

type Add = (code: Fault['code'], message: string) => void;

function checkSegments(seal: Seal, add: Add): void {
  const sum = seal.segments.reduce((total, { count }) => total + count, 0);
  if (sum !== seal.count) add('seal_counts', `its segments hold ${sum} records, it says ${seal.count}`);
  if (seal.reason === 'idle' && seal.count > 0) add('seal_counts', 'an idle seal holds records');
  const classes = new Set(seal.segments.map((entry) => entry.class));
  if (classes.size !== seal.segments.length) add('seal_counts', 'two of its segments have one class');
  for (const entry of seal.segments) {
    const path = segmentPath(entry.class, seal.sealed_at, seal.number, entry.sha256);
    if (entry.object !== path) {
      add('segment_path', `it names ${JSON.stringify(entry.object.slice(0, 200))}, computed is ${path}`);
    }
  }
}

function checkRetention(seal: Seal, add: Add): void {
  const sealedAt = parseSealedAt(seal.sealed_at)!;
  const until = parseMidnight(seal.retain_until)!;
  if (until < sealedAt) add('retention_rule', 'its retention ends before it was sealed');
  for (const entry of seal.segments) {
    const end = parseMidnight(entry.retain_until)!;
    if (end < sealedAt) add('retention_rule', `class ${entry.class} ends before it was sealed`);
    if (end > until)
      add('retention_rule', `class ${entry.class} is kept longer than the seal that explains it`);
    if (entry.class === TRAIL_CLASS && end !== until) {
      add('retention_rule', `class ${TRAIL_CLASS} is not kept as long as the seal`);
    }
  }
}

function checkFirst(seal: Seal, add: Add): void {
  if (seal.first !== 0) add('first_mismatch', 'seal 0 does not begin at leaf 0');
  if (seal.segments[0]?.class !== TRAIL_CLASS)
    add('genesis_missing', 'seal 0 does not begin with class trail');
  if (seal.gaps !== undefined) add('source_gap', 'seal 0 names a gap, and nothing is before it');
}

function checkLink({ file: { seal } }: Link, previous: Link, add: Add): void {
  const { seal: before, checkpoint, digest } = previous.file;
  if (seal.previous !== digest)
    add('previous_mismatch', `it does not follow from seal ${before.number} as it is`);
  if (seal.first !== checkpoint.size) {
    add('first_mismatch', `it begins at leaf ${seal.first}, the tree before has ${checkpoint.size}`);
  }
  if (!rootOf(decodeRange(seal.before)).equals(checkpoint.root)) {
    add('before_mismatch', `its \`before\` is not the tree that seal ${before.number} signed`);
  }
  if (seal.sealed_at < before.sealed_at) {
    add('sealed_at_descends', `${seal.sealed_at} is earlier than ${before.sealed_at}`);
  }
  checkLevel(seal, before, add);
  checkExpiry(seal, before, add);
  checkSource(seal, before, add);
  checkPartial(seal, before, add);
}

/** Else whoever holds the key would be rid of every rule of a later level. */
function checkLevel({ source: { level = 1 } }: Seal, before: Seal, add: Add): void {
  const { level: was = 1 } = before.source;
  if (level < was) add('level_back', `its records follow level ${level}, those before it ${was}`);
}

/** Seals expire in the order of their numbers, and each says when the one before it does. */
function checkExpiry(seal: Seal, before: Seal, add: Add): void {
  if (seal.previous_retain_until === undefined) return;
  if (seal.previous_retain_until !== before.retain_until) {
    add('retention_rule', `the seal before ends at ${before.retain_until}, it says another date`);
  }
  if (parseMidnight(seal.retain_until)! < parseMidnight(before.retain_until)!) {
    add('retention_rule', 'its retention ends before that of the seal before');
  }
}

/** `from` is the `through` before, or gaps lead from the one to the other, one after another. */
function checkSource(seal: Seal, before: Seal, add: Add): void {
  let at = before.source.through;
  for (const { from, to } of seal.gaps ?? []) {
    if (from !== at) add('source_gap', `a gap from ${text(from)} does not continue at ${text(at)}`);
    at = to;
  }
  if (seal.source.from !== at) {
    add('source_gap', `it continues from ${text(seal.source.from)}, the last one ended at ${text(at)}`);
  }
  const { transactions } = seal.source;
  if (transactions < before.source.transactions) {
    add('transactions_rule', `transactions went back from ${before.source.transactions} to ${transactions}`);
  }
  if (seal.count === 0 && transactions !== before.source.transactions) {
    add('transactions_rule', 'transactions were counted without a record');
  }
}

function checkPartial(seal: Seal, before: Seal, add: Add): void {
  const was = before.source.partial;
  const now = seal.source.partial;
  const moved = seal.source.through !== before.source.through;
  const counted = seal.source.transactions > before.source.transactions;
  if (was !== undefined && now?.position === was.position) {
    if (now.next < was.next) add('partial_rule', `next went back from ${was.next} to ${now.next}`);
    if (moved || counted) {
      add('partial_rule', `more was sealed behind the unfinished transaction at ${text(was.position)}`);
    }
    return;
  }
  // A transaction that ended is behind `through`; one that a gap swallowed, too.
  if (was !== undefined && !moved) {
    add(
      'partial_rule',
      `the transaction at ${text(was.position)} is no longer unfinished, yet nothing moved on`,
    );
  }
  if (now !== undefined && !counted) {
    add('partial_rule', `the unfinished transaction at ${text(now.position)} has no record`);
  }
}

function text(position: string): string {
  return position.length > 100 ? `${position.slice(0, 100)}…` : position;
}
