/**
 * One record as a person reads it: a line of who did what, and a line for each column that changed. Pure. Values
 * are somebody else's: nothing in them may steer a terminal.
 */
import type { StoredRecord } from '../verify/records.ts';

type Value = Readonly<Record<string, unknown>>;

const WIDEST = 160;

/** Lines with their LFs. */
export function renderRecord({ value, seal }: StoredRecord, color: boolean): string {
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const time = clean(String(value['time'] ?? value['created_at'] ?? ''))
    .replace('T', ' ')
    .replace('Z', '');
  const kind = String(value['kind']);
  const what = kind === 'change' || kind === 'ddl' ? String(value['action'] ?? kind) : kind;
  const label = clean(String(value['id'] ?? `seal ${seal}`));
  const head = [
    time,
    paint(ACTION_COLOR[what] ?? 35, clean(what)),
    targetText(value),
    actorText(value, paint),
  ];
  const lines = [`${head.filter((part) => part !== '').join('  ')}  ${paint(2, label)}`];
  if (kind === 'change') lines.push(...patchLines(value, paint));
  else lines.push(...otherLines(value));
  return `${lines.join('\n')}\n`;
}

type Paint = (code: number, text: string) => string;

const ACTION_COLOR: Readonly<Record<string, number>> = {
  insert: 32,
  update: 33,
  delete: 31,
  truncate: 31,
  tamper: 31,
  gap: 31,
};

function targetText(value: Value): string {
  const target = membersOf(value['target']);
  const schema = target['schema'] ?? value['schema'];
  const table = target['table'] ?? value['table'] ?? target['identity'];
  if (table === undefined || table === null) return '';
  const key = Object.entries(membersOf(target['key'])).map(([column, v]) => `${column}=${plain(v)}`);
  const name = schema === undefined || schema === null ? String(table) : `${String(schema)}.${String(table)}`;
  return clean([name, ...key].join(' '));
}

function actorText(value: Value, paint: Paint): string {
  const actor = membersOf(value['actor']);
  const type = actor['type'];
  if (type === undefined) return '';
  const tier = String(membersOf(value['attribution'])['tier'] ?? '');
  const login = membersOf(value['connection'])['user'];
  if (type === 'unknown')
    return paint(31, `by nobody known${login === undefined ? '' : ` (login ${plain(login)})`}`);
  const name = actor['email'] ?? actor['id'] ?? '';
  const id = actor['email'] === undefined || actor['id'] === undefined ? '' : ` ${plain(actor['id'])}`;
  return clean(`by ${plain(name)} (${plain(type)}${id}, ${tier})`);
}

/** `+` for what came, `-` for what went, `old → new` for what changed. */
function patchLines(value: Value, paint: Paint): string[] {
  const patch = Array.isArray(value['patch']) ? (value['patch'] as Value[]) : [];
  const lines: string[] = [];
  const tests = new Map<string, unknown>();
  for (const { op, path, value: now } of patch) {
    const name = columnOf(String(path));
    if (op === 'test') {
      tests.set(String(path), now);
    } else if (op === 'replace') {
      const old = tests.has(String(path)) ? `${paint(31, shown(tests.get(String(path))))} → ` : 'is now ';
      lines.push(`    ${name}: ${old}${paint(32, shown(now))}`);
    } else if (op === 'add') lines.push(...rowLines('+', name, now, (text) => paint(32, text)));
    else if (op === 'remove') lines.push(...removedLines(String(path), tests, paint));
  }
  return lines;
}

function removedLines(path: string, tests: ReadonlyMap<string, unknown>, paint: Paint): string[] {
  const red = (text: string) => paint(31, text);
  if (tests.has(path)) return rowLines('-', columnOf(path), tests.get(path), red);
  return [...tests].flatMap(([column, value]) => rowLines('-', columnOf(column), value, red));
}

function rowLines(sign: string, name: string, value: unknown, paint: (text: string) => string): string[] {
  if (name !== '') return [`    ${sign} ${name}: ${paint(shown(value))}`];
  return Object.entries(membersOf(value)).map(
    ([column, v]) => `    ${sign} ${clean(column)}: ${paint(shown(v))}`,
  );
}

/** Members that the first line does not show. */
function otherLines(value: Value): string[] {
  const told = new Set([
    'kind',
    'id',
    'time',
    'created_at',
    'actor',
    'attribution',
    'target',
    'outcome',
    'schema',
    'table',
  ]);
  return Object.entries(value)
    .filter(
      ([name]) => !told.has(name) && name !== 'transaction' && name !== 'connection' && name !== 'action',
    )
    .map(([name, v]) => `    ${clean(name)}: ${shown(v)}`);
}

function columnOf(path: string): string {
  return clean(path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A value as JSON, cut where it is long. */
function shown(value: unknown): string {
  const text = clean(JSON.stringify(value) ?? '');
  return text.length > WIDEST ? `${text.slice(0, WIDEST)}… (${text.length} characters)` : text;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

function membersOf(value: unknown): Value {
  return typeof value === 'object' && value !== null ? (value as Value) : {};
}
