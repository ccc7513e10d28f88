/**
 * Records as a person reads them: when, who, how sure, what from → to. Pure. It shows what the records say and
 * nothing else; a value that is redacted shows as such. Values are somebody else's: nothing in them may steer a
 * terminal.
 */
import {
  blanks,
  clean,
  join,
  type Paint,
  type Printable,
  pad,
  painter,
  text,
  trimmed,
} from '../../base/text.ts';
import { changesOf, shown } from './history-patch.ts';
import { type Members, membersOf, textOf } from './record-members.ts';

type Value = Members;

export interface HistoryOptions {
  readonly color: boolean;
  /** False where all records are known to be of one row: which one is then not said each time. */
  readonly target: boolean;
  /** The records' ids in front of what happened. */
  readonly ids: boolean;
}

export interface History {
  readonly head: Printable;
  /** The lines of one record, with their LFs. */
  render(value: Value): Printable;
}

/** How far one long name makes all other lines wider. */
const MOST_COLUMNS = 60;

/** Columns grow with what they have to hold, for records come one by one. */
export function createHistory({ color, target, ids }: HistoryOptions): History {
  const paint = painter(color);
  const widths = [26, 20, 10];
  const line = (cells: readonly Printable[], what: Printable, code: number | null) => {
    const padded = cells.map((cell, at) => {
      const wide = columns(cell);
      widths[at] = Math.max(widths[at] ?? 0, Math.min(wide, MOST_COLUMNS));
      return text`${cell}${blanks(Math.max(0, widths[at] - wide))}`;
    });
    const start = join(padded, text`  `);
    return trimmed(text`${code === null ? start : paint(code, start)}  ${what}`);
  };
  return {
    head: text`${line([text`when (UTC)`, text`who`, text`known by`], text`what`, null)}\n`,
    render(value) {
      const tier = textOf(membersOf(value['attribution'])['tier']);
      const [first = text``, ...more] = whatOf(value, target, paint);
      const id = ids && value['id'] !== undefined ? text`${paint(2, clean(textOf(value['id'])))}  ` : text``;
      const mark = tier === 'none' ? 33 : null;
      const lines = [line([timeOf(value), whoOf(value), clean(tier)], text`${id}${first}`, mark)];
      for (const next of more) lines.push(line([text``, text``, text``], next, null));
      return text`${join(lines, text`\n`)}\n`;
    },
  };
}

/** Code points, which is what a terminal's columns are for most text. */
function columns(text: string): number {
  return [...text].length;
}

function timeOf(value: Value): Printable {
  const time = textOf(value['time'] ?? value['created_at']);
  return clean(time.replace('T', ' ').replace(/Z$/, ''));
}

function whoOf({ kind, actor, connection }: Value): Printable {
  const { type, id, email } = membersOf(actor);
  const { user, application } = membersOf(connection);
  if (type === undefined) return text``;
  const name = email ?? id;
  if (name === undefined) return clean(`${plain(type)}${user === undefined ? '' : `, login ${plain(user)}`}`);
  const who = `${plain(type)} ${plain(name)}`;
  return clean(kind === 'ddl' && application ? `${who}, ${plain(application)}` : who);
}

/** The first line begins with the action; the others are indented as far. */
function whatOf(value: Value, target: boolean, paint: Paint): Printable[] {
  const kind = textOf(value['kind']);
  const action = clean(kind === 'change' ? textOf(value['action'] ?? kind) : kind);
  const start = text`${paint(ACTION_COLOR[action] ?? 35, pad(action, 6))}  `;
  const place = target || (kind !== 'change' && kind !== 'ddl') ? targetOf(value) : text``;
  if (kind === 'ddl') {
    return [text`${start}${place === '' ? place : text`${place}  `}${ddlOf(value)}`];
  }
  const details = kind === 'change' ? [...changesOf(value, paint)] : membersLines(value);
  const first = place === '' ? [] : [place];
  // A place of its own line, unless there is one thing to say.
  const [only] = details;
  const lines =
    first.length === 1 && details.length === 1 && only !== undefined
      ? [text`${place}  ${only}`]
      : [...first, ...details];
  return lines.length === 0 ? [start] : lines.map((line, at) => text`${at === 0 ? start : blanks(8)}${line}`);
}

/** The statement; one statement may do several things, each with a record, so the tag where it says another. */
function ddlOf({ statement, tag }: Value): Printable {
  if (statement === null || statement === undefined)
    return clean(`${plain(tag)} (its statement is not kept)`);
  const said = plain(statement).replace(/\s+/g, ' ').trim();
  const own = said.toUpperCase().startsWith(plain(tag).toUpperCase());
  return clean(own ? said : `${plain(tag)}, in: ${said}`);
}

const ACTION_COLOR: Readonly<Record<string, number>> = {
  insert: 32,
  update: 33,
  delete: 31,
  truncate: 31,
  tamper: 31,
  gap: 31,
};

function targetOf(value: Value): Printable {
  const target = membersOf(value['target']);
  if (target['identity'] !== undefined) return clean(plain(target['identity'])); // with its schema already
  const schema = target['schema'] ?? value['schema'];
  const table = target['table'] ?? value['table'];
  if (table === undefined || table === null) return text``;
  const key = Object.entries(membersOf(target['key'])).map(([column, v]) => `${column}=${plain(v)}`);
  const name = schema === undefined || schema === null ? plain(table) : `${plain(schema)}.${plain(table)}`;
  return clean([name, ...key].join(' '));
}

/** Members that the first line does not show. */
function membersLines(value: Value): Printable[] {
  return Object.entries(value)
    .filter(([name]) => !TOLD.has(name))
    .map(([name, v]) => text`${clean(name)}: ${shown(v)}`);
}

const TOLD = new Set([
  'kind',
  'id',
  'time',
  'created_at',
  'actor',
  'attribution',
  'action',
  'target',
  'outcome',
  'schema',
  'table',
  'transaction',
  'connection',
]);

function plain(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
