/**
 * What records of level 2 must have beside what holds at every level (FORMAT.md, the rules marked ‡): members that
 * kinds have from then on, and the kinds that began there. Integers are held to their text, so whoever asks has read
 * the members of `exactMembers` by `parseJson`.
 */
import { decodeBase64 } from '../../../trail/base64.ts';
import { areLogKeys } from '../../../trail/log-keys.ts';
import { actorChecks, OUTCOMES } from './actors.ts';
import { targetsFault } from './ddl-targets.ts';
import { type Check, first, isCount, isMembers, isText, type Members, oneOf, type Rules } from './members.ts';
import { reconciliationFault } from './reconciliation.ts';

/** Members of each kind that hold integers which are checked. */
export const EXACT_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['relation', ['target', 'columns']],
  ['ddl', ['targets']],
  ['baseline', ['chunk']],
  ['difference', ['evidence', 'count']],
  ['reconcile', ['table', 'trail']],
  ['acknowledged', ['leaf']],
]);

/** Name of the first member that is missing or malformed, or null. */
export function laterFault(kind: string, record: Members, rules: Rules): string | null {
  return kindFault(kind, record, rules) ?? (isSalt(kind, record) ? null : 'salt');
}

function kindFault(kind: string, record: Members, rules: Rules): string | null {
  switch (kind) {
    case 'change':
      return changeFault(record);
    case 'ddl':
      return (record['event'] === 'observed' ? observedFault(record, rules) : null) ?? targetsFault(record);
    case 'relation':
      return relationFault(record);
    case 'genesis':
      return first([['log_keys', areLogKeysFrom(record['log_key'], record, rules)]]);
    case 'key':
      return first([
        ['time', isText(record['time'])],
        ['log_keys', areLogKeys(record['log_keys'], rules.trail)],
      ]);
    case 'auth':
      return sessionFault(record, rules);
    case 'access':
      return first([...toldChecks(record, rules), ['action', isText(record['action'])]]);
    case 'acknowledged':
      return acknowledgedFault(record, rules);
    default:
      return reconciliationFault(kind, record);
  }
}

/** `before`: the beginning of the old row's hash. */
function changeFault({ action, target, before }: Members): string | null {
  const { key } = target as Members;
  return first([
    ['target.key', key === null || Object.keys(key as Members).length > 0],
    ['before', before === undefined || (action === 'update' && isBase64(before, 16))],
  ]);
}

function relationFault({ target, columns, numbers }: Members): string | null {
  const { oid } = target as Members;
  const given = (columns as unknown[]).flatMap((column) =>
    isMembers(column) && column['number'] !== undefined ? [column['number']] : [],
  );
  return first([
    ['target.oid', oid === undefined || isCount(oid)],
    ['columns.number', given.every((number) => isCount(number) && number > 0)],
    ['columns.number', new Set(given).size === given.length],
    ['numbers', numbers === undefined || numbers === 'lost'],
  ]);
}

function areLogKeysFrom(logKey: unknown, { log_keys: logKeys }: Members, { trail }: Rules): boolean {
  return areLogKeys(logKeys, trail) && logKeys[0] === logKey;
}

function observedFault(record: Members, rules: Rules): string | null {
  const { between, old, new: now } = record;
  const told = ['id', 'transaction', 'tag', 'statement'].find((name) => record[name] !== undefined);
  if (told !== undefined) return told;
  return first([
    ['time', isText(record['time'])],
    ...actorChecks(record, rules),
    ['action', record['action'] === 'ddl'],
    ['outcome', record['outcome'] === 'success'],
    ['target', isMembers(record['target'])],
    ['between', Array.isArray(between) && between.length === 2 && between.every(isText)],
    ['old', old === null || isMembers(old)],
    ['new', now === null || isMembers(now)],
  ]);
}

/** What a server's log or an access tells. */
function toldChecks(record: Members, rules: Rules): Check[] {
  return [
    ['time', isText(record['time'])],
    ...actorChecks(record, rules),
    ['outcome', oneOf(OUTCOMES, record['outcome'])],
  ];
}

function sessionFault(record: Members, rules: Rules): string | null {
  const other = ['transaction', 'image', 'patch'].find((name) => record[name] !== undefined);
  if (other !== undefined) return other;
  return first([
    ['id', isText(record['id'])],
    ...toldChecks(record, rules),
    ['action', oneOf(['login', 'logout', 'statement'], record['action'])],
    ['target', isMembers(record['target'])],
  ]);
}

function acknowledgedFault({ time, leaf, reason, who, signature }: Members, rules: Rules): string | null {
  return first([
    ['time', isText(time)],
    ['leaf', isCount(leaf) && leaf < rules.leaf],
    ['reason', isText(reason) && reason !== ''],
    ['who', isMembers(who)],
    ['signature', signature === undefined || isText(signature)],
  ]);
}

/** 8 random bytes, so that nobody can guess the record; 16 where the run's salt stands in their place. */
function isSalt(kind: string, { salt, chunk, how }: Members): boolean {
  const ofRun = (kind === 'baseline' && chunk === 0) || (kind === 'difference' && how === 'salt');
  return salt === undefined || isBase64(salt, ofRun ? 16 : 8);
}

function isBase64(value: unknown, length: number): boolean {
  return isText(value) && decodeBase64(value)?.length === length;
}
