/**
 * What the rules of a trail need of a record of any kind, by way of JSON.parse: the slow path behind
 * record-scan.ts, and the reference that it must agree with. A record's members are attacker-controlled: what is
 * wrong with them comes back as data.
 */
import { parseJson, skipSpace, skipValue, walkObject } from '../../trail/strict-json.ts';
import { encodedProblem } from './kinds/encoded.ts';
import { isOfTransaction, memberFault } from './kinds/kinds.ts';
import { EXACT_MEMBERS } from './kinds/later-kinds.ts';
import { isMembers, type Members, type Rules } from './kinds/members.ts';
import { patchProblem } from './patch.ts';
import { scanned } from './record-scan.ts';
import type { TransactionTexts } from './runs.ts';

/** What the rules need of a record. */
export interface RecordFacts {
  kind: string;
  /** Null where the record has none. */
  id: string | null;
  /** Null without `transaction`; NaN where a member is no integer of ours. */
  number: number;
  index: number;
  hasTransaction: boolean;
  /** What it says of its transaction; null where a member is missing or no text. */
  texts: TransactionTexts | null;
  action: string | null;
  image: string | null;
  /** What is wrong with the record by itself, or null. */
  problem: { readonly code: string; readonly message: string } | null;
}

/** Reads a record that `scanChange` has just found to be strict JSON. `value` is the whole of it. */
export function readRecord(bytes: Buffer, rules: Rules): RecordFacts & { readonly value: unknown } {
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  const value = rules.level > 1 && isMembers(parsed) ? withExactMembers(parsed, bytes) : parsed;
  return { ...factsOf(value, bytes, rules), value };
}

function factsOf(value: unknown, bytes: Buffer, rules: Rules): RecordFacts {
  const refused = (code: string, message: string): RecordFacts => ({
    kind: '',
    id: null,
    number: Number.NaN,
    index: Number.NaN,
    hasTransaction: false,
    texts: null,
    action: null,
    image: null,
    problem: { code, message },
  });
  if (!isMembers(value)) return refused('record_member', 'a record is a JSON object');
  const kind = value['kind'];
  if (typeof kind !== 'string' || kind === '') return refused('record_member', 'a record has a kind');
  const transaction = value['transaction'];
  const facts: RecordFacts = {
    kind,
    id: textOf(value['id']),
    number: Number.NaN,
    index: Number.NaN,
    hasTransaction: transaction !== undefined,
    texts: null,
    action: textOf(value['action']),
    image: textOf(value['image']),
    problem: null,
  };
  if (isMembers(transaction)) {
    // The scan read these from the text: `1.0` is no integer of ours. It leaves escaped names to us.
    const exact = Number.isNaN(scanned.number + scanned.index) ? exactTransaction(bytes) : null;
    facts.number = exact === null ? scanned.number : integerOf(exact['number']);
    facts.index = exact === null ? scanned.index : integerOf(exact['index']);
    facts.texts = textsOf(transaction, isOfTransaction(kind) ? textOf(value['time']) : null);
  }
  facts.problem = problemOf(value, facts, rules);
  return facts;
}

function problemOf(value: Members, facts: RecordFacts, rules: Rules): RecordFacts['problem'] {
  if (value['id'] !== undefined && facts.id === null) return member('id');
  if (facts.hasTransaction && !isSound(facts)) return member('transaction');
  const fault = memberFault(facts.kind, value, rules);
  if (fault !== null) return member(fault);
  if (value['encoded'] !== undefined) {
    const problem = encodedProblem(value, value['encoded'], rules.level);
    if (problem !== null) return { code: 'record_encoded', message: problem };
  }
  if (facts.kind !== 'change') return null;
  const { key } = value['target'] as Members;
  // What is no text is no image that anybody knows.
  const image = value['image'] === undefined ? null : (facts.image ?? '');
  return patchProblem(facts.action, image, value['patch'], isMembers(key) ? key : null, rules.level);
}

/** Number and index from 1, id and position texts that are not empty. */
function isSound({ number, index, texts }: RecordFacts): boolean {
  return number >= 1 && index >= 1 && texts !== null && texts.position !== '' && texts.id !== '';
}

function textsOf(transaction: Members, time: string | null): TransactionTexts | null {
  const position = textOf(transaction['position']);
  const id = textOf(transaction['id']);
  return position === null || id === null ? null : { position, id, time: time ?? '' };
}

/** The record, with the members whose integers are checked as `parseJson` reads them: `1.0` is no integer of ours. */
function withExactMembers(record: Members, bytes: Buffer): Members {
  const { kind } = record;
  const names = typeof kind === 'string' ? EXACT_MEMBERS.get(kind) : undefined;
  if (names === undefined) return record;
  const exact: Record<string, unknown> = { ...record };
  const start = skipSpace(bytes, 0, bytes.length);
  walkObject(bytes, start, bytes.length, 1, 0, (b, at, end, depth, base, keyStart, keyStop) => {
    const behind = skipValue(b, at, end, depth, base);
    const name = JSON.parse(`"${b.toString('utf8', keyStart, keyStop)}"`) as string;
    if (names.includes(name)) exact[name] = parseJson(b.subarray(at, behind));
    return behind;
  });
  return exact;
}

function exactTransaction(bytes: Buffer): Members {
  return (parseJson(bytes) as Members)['transaction'] as Members;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function integerOf(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : Number.NaN;
}

function member(name: string): { code: string; message: string } {
  return { code: 'record_member', message: `its ${name} is missing or malformed` };
}
