/** Which records `rowseal show` is asked for. Pure. */
import { RowsealError } from '../../base/errors.ts';
import { entriesOf, type Members, membersOf, textOf } from './record-members.ts';

export interface Filters {
  readonly table?: string | undefined;
  readonly key?: string | undefined;
  readonly ddl?: boolean | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

type Value = Members;

/** `onKeyless` hears of each table that a key was asked of and that has none. Throws `usage`. */
export function filterOf(
  filters: Filters,
  onKeyless: (table: string) => void = () => {},
): (value: Value) => boolean {
  const { table, key, ddl, actor, action } = filters;
  const from = filters.from === undefined ? null : timeBound(filters.from, false);
  const to = filters.to === undefined ? null : timeBound(filters.to, true);
  return (value) => {
    const target = membersOf(value['target']);
    const who = membersOf(value['actor']);
    const time = textOf(value['time'] ?? value['created_at']);
    if (table !== undefined && !isTable(table, target, value)) return false;
    if (actor !== undefined && ![who['id'], who['email'], who['type']].includes(actor)) return false;
    if ((from !== null && time < from) || (to !== null && time > to)) return false;
    if (ddl && value['kind'] === 'ddl') return true;
    if (action !== undefined && value['action'] !== action && value['kind'] !== action) return false;
    if (key === undefined) return true;
    if (value['kind'] === 'change' && target['key'] === null && value['action'] !== 'truncate')
      onKeyless(`${textOf(target['schema'])}.${textOf(target['table'])}`);
    const before = membersOf(target['key']);
    return isKey(key, before) || isKey(key, keyAfter(before, value['patch']));
  };
}

/**
 * A ddl record names its object with its schema: a table, several apart by commas, `trigger on table`, and in MySQL
 * `table.index`; and, from level 2 on, all that it was about as targets. MySQL's log does not say whose a trigger is that
 * is dropped: it counts for each table of its schema.
 */
function isTable(wanted: string, target: Value, value: Value): boolean {
  const { identity } = target;
  const targets = entriesOf(value['targets']);
  if (targets.some((each) => isTarget(wanted, each))) return true;
  if (typeof identity === 'string') {
    if (target['type'] === 'trigger' && !identity.includes(' on '))
      return (
        !targets.some(({ table }) => table !== undefined) &&
        (!wanted.includes('.') || wanted.slice(0, wanted.indexOf('.')) === target['schema'])
      );
    const names = identity
      .replace(/^.* on (?=\S+$)/, '')
      .replaceAll('"', '')
      .split(',');
    const table = (name: string) => {
      const last = name.lastIndexOf('.');
      return target['type'] === 'index' && last > name.indexOf('.') ? name.slice(0, last) : name;
    };
    return names.map(table).some((name) => name === wanted || name.slice(name.indexOf('.') + 1) === wanted);
  }
  const schema = target['schema'] ?? value['schema'];
  const table = target['table'] ?? value['table'];
  return table === wanted || `${textOf(schema)}.${textOf(table)}` === wanted;
}

/** What a statement was about, by the name before it and the one behind it; a schema that is gone takes each of its tables. */
function isTarget(wanted: string, target: Value): boolean {
  if (isNamed(wanted, target) || isNamed(wanted, membersOf(target['becomes']))) return true;
  const { kind, name, effects } = target;
  if (kind !== 'schema' || !Array.isArray(effects) || !effects.includes('drops')) return false;
  return !wanted.includes('.') || wanted.startsWith(`${textOf(name)}.`);
}

function isNamed(wanted: string, { schema, table, name }: Value): boolean {
  const own = table ?? name;
  return own !== undefined && (own === wanted || `${textOf(schema)}.${textOf(own)}` === wanted);
}

/** The record's key is the old one where an update changed it; the new one stands in its patch. */
function keyAfter(before: Value, patch: unknown): Value {
  const after: Record<string, unknown> = { ...before };
  for (const { op, path, value } of entriesOf(patch)) {
    const column = textOf(path).slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
    if (op === 'replace' && Object.hasOwn(after, column)) after[column] = value;
  }
  return after;
}

function isKey(wanted: string, key: Value): boolean {
  return Object.entries(key).some(
    ([column, value]) => plain(value) === wanted || `${column}=${plain(value)}` === wanted,
  );
}

/** A key's value as it is asked for: `null` too. */
function plain(value: unknown): string {
  return value === null ? 'null' : textOf(value);
}

const DDL = Buffer.from('"kind":"ddl"');

/** Texts of plain ASCII that a matching record must hold, so that most records are never parsed. */
export function needleOf({ actor, action, table, ddl }: Filters): (bytes: Buffer) => boolean {
  const plain = (texts: readonly (string | undefined)[]) =>
    texts
      .filter((text) => text !== undefined)
      .filter((text) => /^[A-Za-z0-9_@.-]+$/.test(text))
      .map((text) => Buffer.from(text));
  const needles = plain([actor, ddl ? undefined : action]);
  const named = plain([table?.slice(table.lastIndexOf('.') + 1)]);
  const mayBeDdl = ddl || action === 'ddl';
  return (bytes) =>
    needles.every((needle) => bytes.includes(needle)) &&
    (named.every((needle) => bytes.includes(needle)) || (mayBeDdl && bytes.includes(DDL)));
}

/** A time or the beginning of one, as a bound on the record's text: `2026-11` up to the end of the month. */
export function timeBound(text: string, upper: boolean): string {
  const shape = /^\d{4}(?:-\d{2}(?:-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?Z?)?)?)?$/;
  const time = text.replace(' ', 'T');
  if (!shape.test(time))
    throw new RowsealError(
      'usage',
      `${text} is no time: write 2026-11-21T20:18:33 (UTC), or the beginning of it.`,
      { hint: 'See rowseal show --help.' },
    );
  return upper ? `${time.replace(/Z$/, '')}\uffff` : time.replace(/Z$/, '');
}
