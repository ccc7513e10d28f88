/**
 * What a statement does to the names of tables and columns: RENAME TABLE, ALTER TABLE … RENAME, CHANGE and DROP, DROP TABLE.
 * The binlog says which table a row is of, and which column a cell, by names alone, so only these statements tell. Pure.
 */
import type { TableMove } from '../../../change/change.ts';
import { keyword, qualified, type Word } from './words.ts';

export type Move = Omit<TableMove, 'foldsNames'>;

/** In the order in which they take effect; empty where the statement moves nothing. */
export function tableMoves(words: readonly Word[], schema: string | null): Move[] {
  switch (keyword(words, 0)) {
    case 'RENAME':
      return /^TABLES?$/.test(keyword(words, 1)) ? renames(words, schema) : [];
    case 'ALTER':
      return alteration(words, schema);
    case 'DROP':
      return drops(words, schema);
    case 'CREATE':
      return replacement(words, schema);
    default:
      return [];
  }
}

function renames(words: readonly Word[], schema: string | null): Move[] {
  const moves: Move[] = [];
  for (let at = behindExists(words, 2); ; at++) {
    const from = qualified(words, at, schema);
    if (from === null) return moves;
    at = from.next;
    while (at < words.length && keyword(words, at) !== 'TO') at++; // WAIT n, NOWAIT
    const to = qualified(words, at + 1, schema);
    if (to === null) return moves;
    moves.push({ ...placeOf(from), to: placeOf(to), columns: [] });
    at = to.next;
    if (!isSign(words[at], ',')) return moves;
  }
}

function alteration(words: readonly Word[], schema: string | null): Move[] {
  let at = 1;
  while (['ONLINE', 'OFFLINE', 'IGNORE'].includes(keyword(words, at))) at++;
  if (keyword(words, at) !== 'TABLE') return [];
  const table = qualified(words, behindExists(words, at + 1), schema);
  if (table === null) return [];
  let to = placeOf(table);
  const columns: { from: string; to: string }[] = [];
  const gone: string[] = [];
  at = table.next;
  if (keyword(words, at) === 'WAIT') at += 2;
  if (keyword(words, at) === 'NOWAIT') at++;
  for (; at < words.length; at = nextClause(words, at)) {
    const verb = keyword(words, at);
    const behind = keyword(words, at + 1);
    if (verb === 'CHANGE' || (verb === 'RENAME' && behind === 'COLUMN')) {
      const column = columnMove(words, at);
      if (column !== null) columns.push(column);
    } else if (verb === 'DROP') {
      const column = droppedColumn(words, at);
      if (column !== null) gone.push(column);
    } else if (verb === 'RENAME' && behind !== 'INDEX' && behind !== 'KEY') {
      const isNamed = behind === 'TO' || behind === 'AS' || isSign(words[at + 1], '=');
      to = placeOf(qualified(words, at + (isNamed ? 2 : 1), schema) ?? table);
    }
  }
  const from = placeOf(table);
  const stays = to.schema === from.schema && to.table === from.table;
  if (stays && columns.length === 0 && gone.length === 0) return [];
  return [{ ...from, to, columns, ...(gone.length === 0 ? {} : { gone }) }];
}

/** CHANGE [COLUMN] old new …, RENAME COLUMN old TO new. */
function columnMove(words: readonly Word[], from: number): { from: string; to: string } | null {
  const at = behindExists(words, from + (keyword(words, from + 1) === 'COLUMN' ? 2 : 1));
  const next = keyword(words, at + 1) === 'TO' ? at + 2 : at + 1;
  const [old, name] = [words[at], words[next]];
  return old === undefined || name === undefined ? null : { from: old.text, to: name.text };
}

/** DROP [COLUMN] name. */
function droppedColumn(words: readonly Word[], from: number): string | null {
  const named = keyword(words, from + 1) === 'COLUMN';
  if (!named && NO_COLUMN.has(keyword(words, from + 1))) return null;
  return words[behindExists(words, from + (named ? 2 : 1))]?.text ?? null;
}

/** What else a clause of ALTER TABLE drops. */
const NO_COLUMN = new Set([
  'CHECK',
  'CONSTRAINT',
  'FOREIGN',
  'INDEX',
  'KEY',
  'PARTITION',
  'PERIOD',
  'PRIMARY',
  'SYSTEM',
]);

/** Where the next clause of an ALTER TABLE begins: behind a comma that is in no brackets. */
function nextClause(words: readonly Word[], from: number): number {
  let depth = 0;
  for (let at = from; at < words.length; at++) {
    if (isSign(words[at], '(')) depth++;
    else if (isSign(words[at], ')')) depth--;
    else if (depth === 0 && isSign(words[at], ',')) return at + 1;
  }
  return words.length;
}

function drops(words: readonly Word[], schema: string | null): Move[] {
  const kind = keyword(words, 1);
  let at = behindExists(words, 2);
  if (kind === 'DATABASE' || kind === 'SCHEMA') {
    const name = words[at]?.text;
    return name === undefined ? [] : [{ schema: name, table: null, to: null, columns: [] }];
  }
  const moves: Move[] = [];
  if (kind !== 'TABLE' && kind !== 'TABLES') return moves;
  for (; ; at++) {
    const table = qualified(words, at, schema);
    if (table === null) return moves;
    moves.push({ ...placeOf(table), to: null, columns: [] });
    at = table.next;
    if (!isSign(words[at], ',')) return moves;
  }
}

/** MariaDB's CREATE OR REPLACE TABLE: another table under the name. */
function replacement(words: readonly Word[], schema: string | null): Move[] {
  if (keyword(words, 1) !== 'OR' || keyword(words, 3) !== 'TABLE') return [];
  const table = qualified(words, 4, schema);
  return table === null ? [] : [{ ...placeOf(table), to: null, columns: [] }];
}

function behindExists(words: readonly Word[], at: number): number {
  return keyword(words, at) === 'IF' && keyword(words, at + 1) === 'EXISTS' ? at + 2 : at;
}

function placeOf({ schema, name }: { readonly schema: string | null; readonly name: string }) {
  return { schema: schema ?? '', table: name };
}

function isSign(word: Word | undefined, sign: string): boolean {
  return word !== undefined && !word.quoted && !word.string && word.text === sign;
}
