/**
 * The members that each kind of record must have, as far as a verifier holds them to it (FORMAT.md sections 11 and
 * 12), by the level of its seal. Members and kinds that are not known here are passed over: a later writer may have
 * more to say.
 */
import { actorChecks } from './actors.ts';
import { laterFault } from './later-kinds.ts';
import { first, isMembers, isText, type Members, type Rules } from './members.ts';

/** Name of the first member that is missing or malformed, or null; of an unknown kind nothing is said. */
export function memberFault(kind: string, record: Members, rules: Rules): string | null {
  return firstFault(kind, record, rules) ?? (rules.level === 1 ? null : laterFault(kind, record, rules));
}

/** What holds at every level. */
function firstFault(kind: string, record: Members, rules: Rules): string | null {
  switch (kind) {
    case 'change':
      return actedFault(record, rules) ?? changeFault(record);
    case 'ddl':
      return isObserved(record, rules) ? null : (actedFault(record, rules) ?? statementFault(record));
    case 'tamper': {
      const inside = record['transaction'] !== undefined ? actedFault(record, rules) : null;
      return (
        inside ??
        first([
          ['what', isText(record['what'])],
          ['details', isMembers(record['details'])],
        ])
      );
    }
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
        ['id', record['transaction'] === undefined || isText(record['id'])],
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

/** A ddl of a change that no statement told: a look found it. */
function isObserved({ event }: Members, { level }: Rules): boolean {
  return level > 1 && event === 'observed';
}

/** Kinds that happen inside a transaction; their `time` is its. */
export function isOfTransaction(kind: string): boolean {
  return kind === 'change' || kind === 'ddl' || kind === 'tamper';
}

/** Who, how known, when, with what outcome, of what happened inside a transaction. */
function actedFault(record: Members, rules: Rules): string | null {
  const { time } = record;
  return first([
    ['id', isText(record['id'])],
    ['time', isText(time) && TIME.test(time)],
    ...actorChecks(record, rules),
    ['outcome', record['outcome'] === 'success'],
    ['transaction', isMembers(record['transaction'])],
  ]);
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

function statementFault(record: Members): string | null {
  return first([
    ['tag', isText(record['tag'])],
    ['statement', isText(record['statement']) || record['statement'] === null],
    ['target', isMembers(record['target'])],
    ['action', record['action'] === 'ddl'],
  ]);
}

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
