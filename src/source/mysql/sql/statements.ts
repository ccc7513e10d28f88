/**
 * What a statement in the binlog is: the transaction's own words, XA, DDL and administration, or a change in statement
 * format that nobody can turn into rows. What is not known must count as a change: a gap too many, never one too few.
 */
import { agreed, NOTHING_READ, type Reading } from './deeds.ts';
import { type Definition, readDefinition } from './definitions.ts';
import { readDeeds } from './statement-deeds.ts';
import type { QuotingMode } from './tokens.ts';
import { BEGINNING, keyword, qualified, type Word, wordsOf } from './words.ts';

export type Statement =
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  /** `name` in lower case: servers compare names of savepoints without case. */
  | { readonly kind: 'savepoint' | 'rollback_to' | 'release'; readonly name: string }
  | {
      readonly kind: 'xa';
      readonly verb: 'start' | 'end' | 'prepare' | 'commit' | 'rollback';
      readonly xid: string;
    }
  | ({ readonly kind: 'ddl'; readonly reading: Reading } & Definition)
  | {
      readonly kind: 'change';
      /** `statement_update`; `statement_unknown` for what is none of the known ones. */
      readonly textClass: string;
      /** `schema.table` where it is plain to see; else null. */
      readonly table: string | null;
    };

const XID =
  /^XA (START|END|PREPARE|COMMIT|ROLLBACK) (X'[0-9a-f]*',X'[0-9a-f]*',[0-9]{1,10})(?: ONE PHASE)?$/i;

export function classify(statement: string, schema: string | null, mode: QuotingMode): Statement {
  const xa = XID.exec(statement);
  if (xa !== null) {
    return {
      kind: 'xa',
      verb: xa[1]!.toLowerCase() as 'start',
      xid: xa[2]!.replace(/'[^']*'/g, (hex) => hex.toLowerCase()),
    };
  }
  const words = wordsOf(statement, mode);
  const said = meaning(words, schema);
  if (said.kind !== 'ddl' || words.length < BEGINNING) return said;
  // What it is stands at its beginning; what it did, anywhere.
  const all = wordsOf(statement, mode, MOST_WORDS);
  const again = meaning(all, schema);
  const { deeds, whole } = again.kind === 'ddl' ? again.reading : NOTHING_READ;
  const cut = all.length === MOST_WORDS && deeds.some(({ kind }) => kind === 'table');
  return { ...said, reading: { deeds, whole: whole && !cut } };
}

/** Longer statements are not read to their end. */
const MOST_WORDS = 100_000;

function meaning(words: readonly Word[], schema: string | null): Statement {
  const whole = meaningOf(words, schema);
  if (!words.some((word) => word.conditional)) return whole;
  // Whether the server executed a /*!80000 … */ can't be told: what is a change without it, counts as one.
  const plain = words.filter((word) => !word.conditional);
  if (plain.length === 0) return whole.kind === 'ddl' ? whole : unknown();
  const without = meaningOf(plain, schema);
  if (without.kind === 'change') return without;
  if (whole.kind !== 'ddl') return whole.kind === 'change' ? whole : unknown();
  // DROP /*!40005 TEMPORARY */ TABLE is the server's own word.
  if (without.kind !== 'ddl' || isTemporary(words)) return whole;
  return { ...whole, reading: agreed(whole.reading, without.reading) };
}

function isTemporary(words: readonly Word[]): boolean {
  return words[1]!.conditional && keyword(words, 1) === 'TEMPORARY';
}

const CHANGES = new Set([
  'INSERT',
  'REPLACE',
  'UPDATE',
  'DELETE',
  'LOAD',
  'SELECT',
  'CALL',
  'DO',
  'WITH',
  'VALUES',
  'MERGE',
]);

function meaningOf(words: readonly Word[], schema: string | null): Statement {
  const verb = keyword(words, 0);
  const only = words.length === 1 || (words.length === 2 && words[1]!.text === ';');
  // MariaDB logs SET STATEMENT … FOR as it was written: what it is, is what stands behind it.
  if (verb === 'SET' && keyword(words, 1) === 'STATEMENT') {
    const inner = behindSettings(words);
    return inner === null ? unknown() : meaningOf(inner, schema);
  }
  if (verb === 'BEGIN' && only) return { kind: 'begin' };
  if (verb === 'COMMIT' && only) return { kind: 'commit' };
  if (verb === 'ROLLBACK') return only ? { kind: 'rollback' } : rollbackTo(words);
  if (verb === 'SAVEPOINT' && words.length === 2) {
    return { kind: 'savepoint', name: words[1]!.text.toLowerCase() };
  }
  if (verb === 'RELEASE' && keyword(words, 1) === 'SAVEPOINT' && words.length === 3) {
    return { kind: 'release', name: words[2]!.text.toLowerCase() };
  }
  if (CHANGES.has(verb)) return changeOf(verb, words, schema);
  const definition = readDefinition(words, schema);
  if (definition === null) return unknown();
  return { kind: 'ddl', ...definition, reading: readDeeds(words, schema) };
}

/** SET STATEMENT variable = value, … FOR statement. A FOR in brackets is a value's own. */
function behindSettings(words: readonly Word[]): readonly Word[] | null {
  let depth = 0;
  for (let at = 2; at < words.length; at++) {
    const sign = words[at]!.quoted || words[at]!.string ? '' : words[at]!.text;
    if (sign === '(') depth++;
    else if (sign === ')') depth--;
    else if (depth === 0 && keyword(words, at) === 'FOR') return words.slice(at + 1);
  }
  return null;
}

function rollbackTo(words: readonly Word[]): Statement {
  let at = 1;
  if (keyword(words, at) === 'WORK') at++;
  if (keyword(words, at) !== 'TO') return unknown();
  at++;
  if (keyword(words, at) === 'SAVEPOINT' && words.length === at + 2) at++;
  const name = words[at];
  if (name === undefined || words.length !== at + 1) return unknown();
  return { kind: 'rollback_to', name: name.text.toLowerCase() };
}

const NOISE = new Set([
  'LOW_PRIORITY',
  'HIGH_PRIORITY',
  'DELAYED',
  'QUICK',
  'IGNORE',
  'INTO',
  'FROM',
  'ONLY',
]);

function changeOf(verb: string, words: readonly Word[], schema: string | null): Statement {
  const textClass = verb === 'LOAD' ? 'statement_load_data' : `statement_${verb.toLowerCase()}`;
  let at = 1;
  if (verb === 'LOAD') {
    const into = words.findIndex(
      (_, index) => keyword(words, index) === 'INTO' && keyword(words, index + 1) === 'TABLE',
    );
    if (into < 0) return { kind: 'change', textClass, table: null };
    at = into + 2;
  } else if (!['INSERT', 'REPLACE', 'UPDATE', 'DELETE'].includes(verb))
    return { kind: 'change', textClass, table: null };
  while (NOISE.has(keyword(words, at))) at++;
  return { kind: 'change', textClass, table: qualified(words, at, schema)?.identity ?? null };
}

function unknown(): Statement {
  return { kind: 'change', textClass: 'statement_unknown', table: null };
}
