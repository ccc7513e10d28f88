/**
 * What a DDL or administration statement did, from its words alone, since the binlog says nothing else: each kind of statement
 * to its reader, and the short ones here. Pure.
 */
import { accountDeeds, privileges, renamedAccounts, settings } from './account-deeds.ts';
import { alteration, referenced } from './alteration.ts';
import { type Deed, deedOn, type Effect, NOTHING_READ, type Reading, whole } from './deeds.ts';
import { objectDeeds, serverItself } from './object-deeds.ts';
import { type ObjectKind, objectKind } from './object-kind.ts';
import { keepsRows } from './table-options.ts';
import { behindExists, isSign, keyword, nextPart, qualified, type Word, wordAt } from './words.ts';

/** `schema`: the session's default one. */
export function readDeeds(words: readonly Word[], schema: string | null): Reading {
  const second = keyword(words, 1);
  switch (keyword(words, 0)) {
    case 'CREATE':
    case 'ALTER':
    case 'DROP':
      return ofObject(words, schema);
    case 'TRUNCATE':
      return tables(words, second === 'TABLE' ? 2 : 1, schema, ['empties']);
    case 'RENAME':
      return second === 'USER' ? renamedAccounts(words, 2) : renamedTables(words, schema);
    case 'GRANT':
    case 'REVOKE':
      return privileges(words, schema);
    case 'SET':
      return settings(words);
    case 'ANALYZE':
    case 'OPTIMIZE':
    case 'CHECK':
      return maintained(words, schema, []);
    case 'REPAIR':
      // Rows that can't be saved are gone.
      return maintained(words, schema, ['replaces']);
    case 'FLUSH':
      return second === 'PRIVILEGES' ? serverItself('rights') : serverItself();
    case 'INSTALL':
    case 'UNINSTALL':
      return installed(words);
    case 'CHANGE':
      return serverItself();
    default:
      return NOTHING_READ;
  }
}

function ofObject(words: readonly Word[], schema: string | null): Reading {
  const found = objectKind(words);
  if (found === null) return NOTHING_READ;
  const { kind, before, at } = found;
  const verb = keyword(words, 0);
  // A temporary table is its session's own: nothing of it is in the log, and another of its name is as it was.
  const effects = before.includes('TEMPORARY') ? [] : effectsOf(verb, found, words);
  if (kind === 'table') {
    if (verb === 'ALTER') return alteration(words, at, schema, before.includes('IGNORE'));
    return verb === 'DROP' ? tables(words, at, schema, effects) : created(words, found, schema, effects);
  }
  if (kind !== 'user' && kind !== 'role') {
    const reading = objectDeeds(words, found, schema, effects);
    return found.unlessThere ? perhaps(reading, 'told') : reading;
  }
  const accounts = accountDeeds(words, at, kind, effects);
  if (!found.unlessThere) return accounts;
  return perhaps(accounts, accounts.deeds.length === 1 ? 'told' : 'untold');
}

/** Of what the statement made, that it may have been there. */
function perhaps({ deeds, whole: all }: Reading, unlessThere: NonNullable<Deed['unlessThere']>): Reading {
  return {
    deeds: deeds.map((deed) => (deed.effects.includes('creates') ? { ...deed, unlessThere } : deed)),
    whole: all,
  };
}

function effectsOf(verb: string, { kind, before }: ObjectKind, words: readonly Word[]): readonly Effect[] {
  if (verb === 'DROP') return ['drops'];
  if (verb === 'CREATE') return before.includes('REPLACE') ? ['drops', 'creates'] : ['creates'];
  switch (kind) {
    case 'view':
      // Whoever alters a view or an event is its definer from then on, unless the statement names another.
      return ['columns', 'rights'];
    case 'user':
    case 'role':
    case 'event':
      return ['rights'];
    case 'procedure':
    case 'function':
      return wordAt(words, 0, 'SECURITY') < words.length ? ['rights'] : [];
    default:
      return [];
  }
}

function created(
  words: readonly Word[],
  { at, unlessThere }: ObjectKind,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  const table = qualified(words, at, schema);
  if (table === null) return NOTHING_READ;
  const from = table.next;
  const engine = engineIn(words, from);
  const queried = isQueried(words, from);
  const filled = effects.length > 0 && (queried || (engine !== undefined && !keepsRows(engine)));
  const made = whole(deedOn('table', table, ...effects, ...(filled ? (['replaces'] as const) : [])));
  const parents = referenced(words, from, table.schema).filter(({ name }) => name !== table.name);
  // With a query it is logged only where it made the table; so is what a query made on MySQL (START TRANSACTION).
  const certain =
    !unlessThere || queried || keyword(words, wordAt(words, from, 'START') + 1) === 'TRANSACTION';
  const told = engine === undefined ? keyword(words, from) !== 'LIKE' : /^innodb$/i.test(engine.text);
  const { deeds } = certain ? made : perhaps(made, told ? 'told' : 'untold');
  return whole(...deeds, ...parents);
}

/** Rows of a query, where the statement stands as it was written: no log tells them. */
function isQueried(words: readonly Word[], from: number): boolean {
  const query = keyword(words, from) === 'AS' ? from + 1 : from;
  if (keyword(words, query) === 'TABLE') return true;
  return words.some((_, at) => {
    const word = at < from ? '' : keyword(words, at);
    return word === 'SELECT' || (word === 'VALUES' && keyword(words, at + 1) === 'ROW');
  });
}

/** The name in ENGINE = …, outside of brackets, where a column may be called so. */
function engineIn(words: readonly Word[], from: number): Word | undefined {
  let depth = 0;
  for (let at = from; at < words.length; at++) {
    if (isSign(words[at], '(')) depth++;
    else if (isSign(words[at], ')')) depth--;
    else if (depth === 0 && keyword(words, at) === 'ENGINE')
      return words[isSign(words[at + 1], '=') ? at + 2 : at + 1];
  }
  return undefined;
}

/** One table, or several apart by commas, each followed by what is none of its name (WAIT 5, RESTRICT, PERSISTENT FOR ALL). */
function tables(
  words: readonly Word[],
  from: number,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  const deeds: Deed[] = [];
  for (let at = from; at < words.length; ) {
    const table = qualified(words, at, schema);
    if (table === null) return { deeds, whole: false };
    deeds.push(deedOn('table', table, ...effects));
    at = isSign(words[table.next], ',') ? table.next + 1 : words.length;
  }
  return whole(...deeds);
}

function maintained(words: readonly Word[], schema: string | null, effects: readonly Effect[]): Reading {
  let at = 1;
  while (['NO_WRITE_TO_BINLOG', 'LOCAL'].includes(keyword(words, at))) at++;
  return tables(words, at + 1, schema, effects);
}

/** RENAME TABLE a [WAIT n] TO b, b TO c. With IF EXISTS MariaDB logs it whatever was there. */
function renamedTables(words: readonly Word[], schema: string | null): Reading {
  const deeds: Deed[] = [];
  const from = behindExists(words, 2);
  const effects: Effect[] = from === 2 ? ['renames'] : ['renames', 'unknown'];
  for (let at = from; ; at++) {
    const old = qualified(words, at, schema);
    const next = old === null ? null : qualified(words, wordAt(words, old.next, 'TO') + 1, schema);
    if (old === null || next === null) return { deeds, whole: false };
    const becomes = { schema: next.schema, name: next.name };
    deeds.push({ ...deedOn('table', old, ...effects), becomes });
    at = next.next;
    if (!isSign(words[at], ',')) return whole(...deeds);
  }
}

/** INSTALL PLUGIN p SONAME '…', INSTALL COMPONENT 'file://…', 'file://…', UNINSTALL …. */
function installed(words: readonly Word[]): Reading {
  const effect = keyword(words, 0) === 'INSTALL' ? 'creates' : 'drops';
  const kind = keyword(words, 1) === 'COMPONENT' ? 'component' : 'plugin';
  const deeds: Deed[] = [];
  for (let at = behindExists(words, 2); at < words.length; at = nextPart(words, at + 1)) {
    const name = words[keyword(words, at) === 'SONAME' ? at + 1 : at]?.text ?? '';
    deeds.push(deedOn(kind, { schema: null, name }, effect));
    if (kind === 'plugin') break;
  }
  return whole(...deeds);
}
