/**
 * What the rules of a trail need of a record of any kind, by way of JSON.parse: the slow path behind
 * record-scan.ts, and the reference that it must agree with. A record's members are attacker-controlled: what is
 * wrong with them comes back as data.
 */
import { parseJson } from '../trail/strict-json.ts';
import { type PatchOperation, patchProblem } from './patch.ts';
import { scanned } from './record-scan.ts';

/** What the rules need of a record. */
export interface RecordFacts {
  kind: string;
  /** Null where the record has none. */
  id: string | null;
  /** Null without `transaction`; NaN where a member is no integer of ours. */
  number: number;
  index: number;
  hasTransaction: boolean;
  position: string | null;
  action: string | null;
  image: string | null;
  /** What is wrong with the record by itself, or null. */
  problem: { readonly code: string; readonly message: string } | null;
}

/** Members that must stand in a change record. */
const REQUIRED = ['id', 'time', 'actor', 'attribution', 'action', 'target', 'transaction'] as const;

/** Reads a record that `scanChange` has just found to be strict JSON. `value` is the whole of it. */
export function readRecord(bytes: Buffer): RecordFacts & { readonly value: unknown } {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  return { ...factsOf(value, bytes), value };
}

function factsOf(value: unknown, bytes: Buffer): RecordFacts {
  const refused = (code: string, message: string): RecordFacts => ({
    kind: '',
    id: null,
    number: Number.NaN,
    index: Number.NaN,
    hasTransaction: false,
    position: null,
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
    position: null,
    action: textOf(value['action']),
    image: textOf(value['image']),
    problem: null,
  };
  if (isMembers(transaction)) {
    // The scan read these from the text: `1.0` is no integer of ours. It leaves escaped names to us.
    const exact = Number.isNaN(scanned.number + scanned.index) ? exactTransaction(bytes) : null;
    facts.number = exact === null ? scanned.number : integerOf(exact['number']);
    facts.index = exact === null ? scanned.index : integerOf(exact['index']);
    facts.position = textOf(transaction['position']);
  }
  facts.problem = problemOf(value, facts);
  return facts;
}

function problemOf(value: Members, facts: RecordFacts): RecordFacts['problem'] {
  if (value['id'] !== undefined && facts.id === null) return member('id');
  if (facts.hasTransaction && !(facts.number >= 1 && facts.index >= 1 && facts.position !== null)) {
    return member('transaction');
  }
  if (value['encoded'] !== undefined) {
    const problem = encodedProblem(value, value['encoded']);
    if (problem !== null) return { code: 'record_encoded', message: problem };
  }
  if (facts.kind !== 'change') return null;
  const missing = REQUIRED.find((name) => value[name] === undefined);
  if (missing !== undefined) return member(missing);
  const tier = isMembers(value['attribution']) ? value['attribution']['tier'] : null;
  if (typeof tier !== 'string') return member('attribution.tier');
  if (!isMembers(value['actor']) || typeof value['actor']['type'] !== 'string') return member('actor.type');
  if (!isMembers(value['target'])) return member('target');
  if (typeof value['time'] !== 'string') return member('time');
  const problem = patchProblem(facts.action, facts.image, value['patch'] as readonly PatchOperation[]);
  return problem;
}

function exactTransaction(bytes: Buffer): Members {
  return (parseJson(bytes) as Members)['transaction'] as Members;
}

type Members = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

/** Every pointer of `encoded` must lead to something in the record. */
function encodedProblem(record: Members, encoded: unknown): string | null {
  if (!isMembers(encoded)) return 'encoded is no object';
  for (const [pointer, kind] of Object.entries(encoded)) {
    if (typeof kind !== 'string') return 'encoded holds something else than names';
    let at: unknown = record;
    if (!pointer.startsWith('/')) return `encoded points nowhere: ${pointer}`;
    for (const raw of pointer.slice(1).split('/')) {
      const token = raw.replaceAll('~1', '/').replaceAll('~0', '~');
      const inside = typeof at === 'object' && at !== null && Object.hasOwn(at, token);
      if (!inside) return `encoded points nowhere: ${pointer}`;
      at = (at as Members)[token];
    }
  }
  return null;
}
