/**
 * The members that each kind of record must have, as far as a verifier holds them to it (FORMAT.md sections 11 and
 * 12). Members and kinds that are not known here are passed over: a later writer may have more to say.
 */

export const ACTOR_TYPES = ['user', 'service', 'system', 'login', 'unknown'] as const;
export const ATTRIBUTION_TIERS = [
  'signed',
  'asserted',
  'session',
  'annotated',
  'connection',
  'none',
] as const;

export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Name of the first member that is missing or malformed, or null; of an unknown kind nothing is said. */
export function memberFault(kind: string, record: Members): string | null {
  switch (kind) {
    case 'change':
      return actedFault(record) ?? changeFault(record);
    case 'ddl':
      return first([
        ['tag', isText(record['tag'])],
        ['statement', isText(record['statement']) || record['statement'] === null],
        ['target', isMembers(record['target'])],
        ['action', record['action'] === 'ddl'],
      ]);
    case 'tamper':
      return first([
        ['what', isText(record['what'])],
        ['details', isMembers(record['details'])],
      ]);
    case 'lifecycle':
      return first([
        ['event', isText(record['event'])],
        ['details', isMembers(record['details'])],
      ]);
    case 'gap':
      return first([
        ['from', isText(record['from'])],
        ['to', isText(record['to'])],
        ['reason', isText(record['reason'])],
        ['time', isText(record['time'])],
      ]);
    case 'relation':
      return first([
        ['target', isMembers(record['target'])],
        ['columns', Array.isArray(record['columns'])],
      ]);
    case 'genesis':
      return first([
        ['created_at', isText(record['created_at'])],
        ['source', isMembers(record['source'])],
      ]);
    default:
      return null;
  }
}

/** Kinds that happen inside a transaction; their `time` is its. */
export function isOfTransaction(kind: string): boolean {
  return kind === 'change' || kind === 'ddl' || kind === 'tamper';
}

/** Who, how known, when, with what outcome. */
export function actedFault(record: Members): string | null {
  const { actor, attribution, time, outcome } = record;
  return first([
    ['id', isText(record['id'])],
    ['time', isText(time) && TIME.test(time)],
    ['actor.type', isMembers(actor) && oneOf(ACTOR_TYPES, actor['type'])],
    ['attribution.tier', isMembers(attribution) && oneOf(ATTRIBUTION_TIERS, attribution['tier'])],
    ['outcome', outcome === 'success'],
    ['transaction', isMembers(record['transaction'])],
  ]);
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

function changeFault({ action, target, options }: Members): string | null {
  if (!isMembers(target)) return 'target';
  const { key } = target;
  return first([
    ['target.schema', isText(target['schema'])],
    ['target.table', isText(target['table'])],
    ['target.key', key === null || isMembers(key)],
    ['options', action !== 'truncate' || isMembers(options)],
  ]);
}

function first(checks: readonly (readonly [name: string, good: boolean])[]): string | null {
  return checks.find(([, good]) => !good)?.[0] ?? null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function oneOf(words: readonly string[], value: unknown): boolean {
  return isText(value) && words.includes(value);
}
