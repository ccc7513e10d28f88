/**
 * What the clauses of an ALTER TABLE do (manuals: "ALTER TABLE"), one after another: to the table, and to others that they
 * name. A clause that is not understood leaves the table unknown; its name and those of its columns are followed all the
 * same. Pure.
 */
import { type Deed, deedOn, type Effect, type Name, NOTHING_READ, type Reading } from './deeds.ts';
import { effectOfOptions } from './table-options.ts';
import { behindExists, isSign, keyword, nextPart, qualified, type Word, wordAt } from './words.ts';

interface Altered {
  readonly words: readonly Word[];
  readonly schema: string | null;
  readonly effects: Set<Effect>;
  readonly columns: { from: string; to: string }[];
  readonly gone: string[];
  readonly others: Deed[];
  becomes: Name | null;
  /** ORDER BY came: names behind commas may be its columns. */
  ordered: boolean;
}

/** `at`: where the table's name begins; `ignores`: rows that do not fit are thrown away (ALTER IGNORE TABLE). */
export function alteration(
  words: readonly Word[],
  from: number,
  schema: string | null,
  ignores: boolean,
): Reading {
  const table = qualified(words, from, schema);
  if (table === null) return NOTHING_READ;
  const altered: Altered = {
    words,
    schema,
    effects: new Set(ignores ? ['replaces'] : []),
    columns: [],
    gone: [],
    others: [],
    becomes: null,
    ordered: false,
  };
  let at = table.next;
  if (keyword(words, at) === 'WAIT') at += 2;
  if (keyword(words, at) === 'NOWAIT') at++;
  while (at < words.length) {
    for (const effect of clause(altered, at)) altered.effects.add(effect);
    at = isLast(words, at) ? words.length : nextPart(words, at);
  }
  const parents = referenced(words, table.next, table.schema).filter(({ name }) => name !== table.name);
  const { effects, columns, gone, becomes, others } = altered;
  const moves = becomes !== null && (becomes.schema !== table.schema || becomes.name !== table.name);
  if (moves) effects.add('renames');
  const deed = {
    ...deedOn('table', table, ...effects),
    ...(moves ? { becomes } : {}),
    ...(columns.length > 0 ? { columns } : {}),
    ...(gone.length > 0 ? { gone } : {}),
  };
  return { deeds: [deed, ...others, ...parents], whole: true };
}

/** Tables that foreign keys are about to point at: each by the name that its child's schema gives it. */
export function referenced(words: readonly Word[], from: number, schema: string | null): Deed[] {
  const parents: Deed[] = [];
  for (let at = from; at < words.length; at++) {
    if (keyword(words, at) !== 'REFERENCES') continue;
    const parent = qualified(words, at + 1, schema);
    if (
      parent !== null &&
      !parents.some((each) => each.name === parent.name && each.schema === parent.schema)
    )
      parents.push(deedOn('table', parent));
  }
  return parents;
}

const UNKNOWN: readonly Effect[] = ['unknown'];
const NONE: readonly Effect[] = [];
/** Clauses about partitions that move rows from one into another at most. */
const OF_PARTITIONS = new Set(['COALESCE', 'REORGANIZE', 'REBUILD', 'OPTIMIZE', 'ANALYZE', 'CHECK']);
const HARMLESS = new Set([
  'FORCE',
  'ENABLE',
  'DISABLE',
  'ALGORITHM',
  'LOCK',
  'WITH',
  'WITHOUT',
  'SECONDARY_LOAD',
  'SECONDARY_UNLOAD',
]);

function clause(altered: Altered, at: number): readonly Effect[] {
  const { words } = altered;
  const second = keyword(words, at + 1);
  const verb = keyword(words, at);
  switch (verb) {
    case 'ADD':
      return addition(words, at + 1);
    case 'DROP':
      return removal(altered, at + 1);
    case 'MODIFY':
      return ['columns', 'replaces'];
    case 'CHANGE':
      columnRenamed(altered, at);
      return ['columns', 'replaces'];
    case 'ALTER':
      return attribute(words, at + 1);
    case 'RENAME':
      return renaming(altered, at);
    case 'CONVERT':
      return conversion(altered, at + 1);
    case 'EXCHANGE':
      return exchange(altered, at);
    case 'TRUNCATE':
      return second === 'PARTITION' ? ['replaces'] : UNKNOWN;
    case 'REPAIR':
      return second === 'PARTITION' ? ['replaces'] : UNKNOWN;
    case 'DISCARD':
      return second === 'TABLESPACE' ? ['empties'] : ['replaces'];
    case 'IMPORT':
      return ['replaces'];
    case 'ORDER':
      altered.ordered = true;
      return NONE;
    case 'REMOVE':
      return second === 'PARTITIONING' ? NONE : UNKNOWN;
    case 'PARTITION':
      return second === 'BY' ? NONE : UNKNOWN;
    case 'UNION':
    case 'CONNECTION':
      // Rows of other tables, of a MERGE or FEDERATED table.
      return ['replaces'];
    default:
      if (OF_PARTITIONS.has(verb)) return second === 'PARTITION' ? NONE : UNKNOWN;
      if (HARMLESS.has(verb) || (altered.ordered && isOrdering(words, at))) return NONE;
      return effectOfOptions(words, at) ?? UNKNOWN;
  }
}

const ALONE = new Set(['DROP', 'TRUNCATE', 'REPAIR', 'DISCARD', 'IMPORT', ...OF_PARTITIONS]);

/** Clauses about partitions stand alone: behind a comma comes the next partition's name. */
function isLast(words: readonly Word[], at: number): boolean {
  return ALONE.has(keyword(words, at)) && keyword(words, at + 1) === 'PARTITION';
}

/** A column of ORDER BY behind the first one, which is no clause. */
function isOrdering(words: readonly Word[], from: number): boolean {
  const at = qualified(words, from, null)?.next ?? from;
  const end = ['ASC', 'DESC'].includes(keyword(words, at)) ? at + 1 : at;
  return end > from && (words[end] === undefined || isSign(words[end], ',') || isSign(words[end], ';'));
}

const INDEXES = new Set(['INDEX', 'KEY', 'UNIQUE', 'FULLTEXT', 'SPATIAL', 'FOREIGN', 'CHECK', 'PARTITION']);

function addition(words: readonly Word[], from: number): readonly Effect[] {
  const [word, second] = [keyword(words, from), keyword(words, from + 1)];
  if (word === 'CONSTRAINT' || word === 'PRIMARY') return isPrimary(words, from) ? KEYED : NONE;
  if (INDEXES.has(word) || (word === 'VECTOR' && /^(?:INDEX|KEY)$/.test(second))) return NONE;
  // Of a column `c SERIAL` or `c INT PRIMARY KEY` too: it has values that nothing tells.
  return ['columns'];
}

/** Columns of a primary key become NOT NULL; outside of strict mode NULL becomes another value. */
const KEYED: readonly Effect[] = ['columns', 'replaces'];

/** PRIMARY KEY, behind CONSTRAINT and its name where they stand there. */
function isPrimary(words: readonly Word[], from: number): boolean {
  if (keyword(words, from) === 'PRIMARY') return true;
  return [1, 2].some(
    (more) => keyword(words, from + more) === 'PRIMARY' && keyword(words, from + more + 1) === 'KEY',
  );
}

function removal({ words, gone }: Altered, from: number): readonly Effect[] {
  const [word, second] = [keyword(words, from), keyword(words, from + 1)];
  if (word === 'PARTITION') return ['replaces'];
  if (['INDEX', 'KEY', 'PRIMARY', 'FOREIGN', 'CHECK', 'CONSTRAINT'].includes(word)) return NONE;
  // History goes with it.
  if (word === 'SYSTEM' && second === 'VERSIONING') return ['columns', 'replaces'];
  if (word === 'PERIOD' && second === 'FOR') return ['columns'];
  const column = words[behindExists(words, word === 'COLUMN' ? from + 1 : from)];
  if (column !== undefined) gone.push(column.text);
  return ['columns'];
}

/** ALTER [COLUMN] c SET DEFAULT: of rows to come. ALTER INDEX, CHECK, CONSTRAINT. */
function attribute(words: readonly Word[], from: number): readonly Effect[] {
  const word = keyword(words, from);
  if (['INDEX', 'KEY', 'CHECK', 'CONSTRAINT'].includes(word)) return NONE;
  const name = behindExists(words, word === 'COLUMN' ? from + 1 : from);
  const [verb, what] = [keyword(words, name + 1), keyword(words, name + 2)];
  if (verb === 'SET' && ['VISIBLE', 'INVISIBLE'].includes(what)) return NONE;
  return (verb === 'SET' || verb === 'DROP') && what === 'DEFAULT' ? ['columns'] : UNKNOWN;
}

function renaming(altered: Altered, at: number): readonly Effect[] {
  const { words, schema } = altered;
  const second = keyword(words, at + 1);
  if (second === 'COLUMN') {
    columnRenamed(altered, at);
    return ['columns'];
  }
  if (second === 'INDEX' || second === 'KEY') return NONE;
  const isNamed = second === 'TO' || second === 'AS' || isSign(words[at + 1], '=');
  const to = qualified(words, at + (isNamed ? 2 : 1), schema);
  if (to === null) return UNKNOWN;
  altered.becomes = { schema: to.schema, name: to.name };
  return NONE;
}

/** CHANGE [COLUMN] old new …, RENAME COLUMN old TO new. */
function columnRenamed({ words, columns }: Altered, from: number): void {
  const at = behindExists(words, from + (keyword(words, from + 1) === 'COLUMN' ? 2 : 1));
  const next = keyword(words, at + 1) === 'TO' ? at + 2 : at + 1;
  const [old, name] = [words[at], words[next]];
  if (old !== undefined && name !== undefined) columns.push({ from: old.text, to: name.text });
}

/** CONVERT TO CHARACTER SET; MariaDB's CONVERT PARTITION p TO TABLE t, CONVERT TABLE t TO PARTITION p. */
function conversion({ words, schema, others }: Altered, at: number): readonly Effect[] {
  const word = keyword(words, at);
  if (word === 'TO') return ['columns', 'replaces'];
  if (word !== 'PARTITION' && word !== 'TABLE') return UNKNOWN;
  const name = word === 'TABLE' ? at + 1 : wordAt(words, at, 'TABLE') + 1;
  const other = qualified(words, name, schema);
  if (other === null) return UNKNOWN;
  others.push(
    word === 'TABLE' ? deedOn('table', other, 'drops') : deedOn('table', other, 'creates', 'replaces'),
  );
  return ['replaces'];
}

/** EXCHANGE PARTITION p WITH TABLE t. */
function exchange({ words, schema, others }: Altered, at: number): readonly Effect[] {
  const other = qualified(words, wordAt(words, at, 'TABLE') + 1, schema);
  if (other === null) return UNKNOWN;
  others.push(deedOn('table', other, 'replaces'));
  return ['replaces'];
}
