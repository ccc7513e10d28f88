/**
 * Which kind of object a CREATE, ALTER or DROP is about, and where its name stands: behind words that differ from kind to
 * kind (DEFINER = root@localhost, ALGORITHM = MERGE), among which a name is no keyword. Pure.
 */
import { behindExists, keyword, type Word } from './words.ts';

export interface ObjectKind {
  /** `table`, `database`, `resource group`. */
  readonly kind: string;
  /** Keywords between the verb and the kind: OR, REPLACE, TEMPORARY, IGNORE. */
  readonly before: readonly string[];
  /** IF NOT EXISTS stands behind the kind. */
  readonly unlessThere: boolean;
  /** Where the name begins. */
  readonly at: number;
}

/** Kinds of objects by their keyword; those of two words by the first. */
const OBJECTS = new Set([
  'TABLE',
  'TABLES',
  'VIEW',
  'INDEX',
  'TRIGGER',
  'PROCEDURE',
  'FUNCTION',
  'EVENT',
  'SEQUENCE',
  'PACKAGE',
  'LIBRARY',
  'DATABASE',
  'SCHEMA',
  'CATALOG',
  'USER',
  'ROLE',
  'SERVER',
  'TABLESPACE',
  'LOGFILE',
  'RESOURCE',
  'INSTANCE',
]);
const SECOND_WORDS = new Set(['GROUP', 'BODY']);

/** Null where the statement names no kind that is known. */
export function objectKind(words: readonly Word[]): ObjectKind | null {
  const before: string[] = [];
  for (let at = 1; at < words.length; at++) {
    const word = keyword(words, at);
    if (word === 'SPATIAL' && keyword(words, at + 1) === 'REFERENCE')
      return found('spatial reference system', before, words, at + 3);
    if (words[at]!.text === '=' || words[at]!.text === '@') at++;
    else if (OBJECTS.has(word)) {
      const second = keyword(words, at + 1);
      const name = word === 'SCHEMA' ? 'database' : word === 'TABLES' ? 'table' : word.toLowerCase();
      return SECOND_WORDS.has(second)
        ? found(`${name} ${second.toLowerCase()}`, before, words, at + 2)
        : found(name, before, words, at + 1);
    } else before.push(word);
  }
  return null;
}

function found(kind: string, before: readonly string[], words: readonly Word[], from: number): ObjectKind {
  const at = behindExists(words, from);
  return { kind, before, unlessThere: at - from === 3, at };
}
