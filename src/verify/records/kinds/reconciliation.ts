/**
 * Records of level 2 that compare a table with the trail, or begin it: baselines, differences and what a run found
 * (FORMAT.md sections 11 and 13). Whether their roots are those of their rows is not for here: the rows may have expired.
 */
import { decodeBase64, decodeHash } from '../../../trail/base64.ts';
import {
  first,
  isCount,
  isListOf,
  isMembers,
  isMembersOrNull,
  isText,
  type Members,
  oneOf,
} from './members.ts';

const FORM = 'row/1';
const PURPOSES = ['first', 'check', 'renewal', 'after_gap', 'after_ddl'];
const SALT_BYTES = 16;

/** Name of the first member that is missing or malformed, or null: of other kinds nothing is said. */
export function reconciliationFault(kind: string, record: Members): string | null {
  if (kind === 'baseline') return runFault(record) ?? baselineFault(record);
  if (kind === 'difference') return runFault(record) ?? differenceFault(record);
  if (kind === 'reconcile') return runFault(record) ?? reconcileFault(record);
  return null;
}

/** Which run, and of which table. */
function runFault({ time, run, target }: Members): string | null {
  if (!isMembers(target)) return 'target';
  return first([
    ['time', isText(time)],
    ['run', isText(run) && run !== ''],
    ['target.schema', isText(target['schema'])],
    ['target.table', isText(target['table'])],
  ]);
}

function baselineFault({ form, chunk, after, upto, at, rows }: Members): string | null {
  return first([
    ['form', form === FORM],
    ['chunk', isCount(chunk)],
    ['after', isMembersOrNull(after)],
    ['upto', isMembersOrNull(upto)],
    ['at', isMembers(at) && Object.keys(at).length > 0],
    ['rows', isListOf(rows, isMembers)],
  ]);
}

function differenceFault(record: Members): string | null {
  const { how, columns, trail, table, last, reasons, evidence, count } = record;
  const { key } = record['target'] as Members;
  const salt = record['salt'];
  switch (how) {
    case 'differs':
    case 'only_in_table':
    case 'only_in_trail':
      return first([
        ['target.key', isMembersOrNull(key)],
        ['columns', isListOf(columns, isText)],
        ['trail', isMembersOrNull(trail)],
        ['table', isMembersOrNull(table)],
        ['last', isMembersOrNull(last)],
        ['reasons', isListOf(reasons, isText)],
        ['evidence', isListOf(evidence, isCount)],
      ]);
    case 'salt':
      return first([
        ['target.key', key === undefined],
        ['salt', isText(salt) && decodeBase64(salt)?.length === SALT_BYTES],
      ]);
    case 'more':
      return first([['count', isCount(count) && count > 0]]);
    default:
      return 'how';
  }
}

function reconcileFault({ form, purpose, at, table, trail, outcome }: Members): string | null {
  const same =
    isSide(table) && isSide(trail) && table['rows'] === trail['rows'] && table['root'] === trail['root'];
  return first([
    ['form', form === FORM],
    ['purpose', oneOf(PURPOSES, purpose)],
    ['at', isMembers(at)],
    ['table', isSide(table)],
    ['trail', trail === null || isSide(trail)],
    ['outcome', oneOf(['equal', 'different', 'incomplete'], outcome)],
    ['outcome', outcome === 'incomplete' || same === (outcome === 'equal')],
  ]);
}

/** How many rows one side has, and the root of them. */
function isSide(side: unknown): side is Members {
  if (!isMembers(side)) return false;
  const { rows, root } = side;
  return isCount(rows) && isText(root) && decodeHash(root) !== null;
}
