/**
 * CREATE, ALTER and DROP of everything but tables and accounts: views, indexes, triggers, routines, events, sequences,
 * databases, and what belongs to the server. Rows are in none of them but databases; triggers and indexes name the table
 * that they are of. Pure.
 */
import { type Deed, deedOn, type Effect, type Name, NOTHING_READ, type Reading, whole } from './deeds.ts';
import type { ObjectKind } from './object-kind.ts';
import { isSign, keyword, qualified, type Word, wordAt } from './words.ts';

/** `effects`: what the verb says; those of ALTER differ by kind. */
export function objectDeeds(
  words: readonly Word[],
  { kind, at }: ObjectKind,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  switch (kind) {
    case 'database':
      return database(words, at, schema, effects);
    case 'index':
      return index(words, at, schema, effects);
    case 'trigger':
      return trigger(words, at, schema, effects);
    case 'server':
    case 'tablespace':
    case 'logfile group':
    case 'resource group':
    case 'catalog':
    case 'spatial reference system':
      return ofServer(words, at, kind, effects);
    case 'instance':
      return serverItself(...effects);
    default:
      return inSchema(words, at, kind, schema, effects);
  }
}

/** A statement about the server, and no object of it: FLUSH, ALTER INSTANCE. */
export function serverItself(...effects: Effect[]): Reading {
  return whole(deedOn('instance', { schema: null, name: 'instance' }, ...effects));
}

function database(
  words: readonly Word[],
  at: number,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  // ALTER DATABASE CHARACTER SET …, without a name.
  const isNamed = !(keyword(words, 0) === 'ALTER' && isOption(words, at));
  const name = isNamed ? qualified(words, at, null)?.name : (schema ?? undefined);
  return name === undefined ? NOTHING_READ : whole(deedOn('schema', { schema: null, name }, ...effects));
}

function isOption(words: readonly Word[], at: number): boolean {
  return ['CHARACTER', 'CHARSET', 'COLLATE', 'DEFAULT', 'ENCRYPTION', 'COMMENT'].includes(keyword(words, at));
}

/** CREATE INDEX i ON t, DROP INDEX i ON t. */
function index(
  words: readonly Word[],
  at: number,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  const name = qualified(words, at, null);
  const table = name === null ? null : qualified(words, wordAt(words, name.next, 'ON') + 1, schema);
  if (name === null || table === null) return NOTHING_READ;
  return whole(
    deedOn('index', { schema: table.schema, name: name.name }, ...effects),
    deedOn('table', table),
  );
}

/** CREATE TRIGGER tr BEFORE INSERT ON t: in the schema of its table. DROP TRIGGER does not say which table it was of. */
function trigger(
  words: readonly Word[],
  at: number,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  const bare = qualified(words, at, null);
  if (bare === null) return NOTHING_READ;
  if (keyword(words, 0) !== 'CREATE') return whole(deedOn('trigger', ofDefault(bare, schema), ...effects));
  const table = qualified(words, wordAt(words, bare.next, 'ON') + 1, schema);
  if (table === null) return NOTHING_READ;
  const name = { schema: bare.schema ?? table.schema, name: bare.name };
  return whole(deedOn('trigger', name, ...effects), deedOn('table', table));
}

function ofServer(words: readonly Word[], at: number, kind: string, effects: readonly Effect[]): Reading {
  const found = qualified(words, at, null);
  // A name of a server may be a string.
  const name = found?.name ?? (words[at]?.string ? words[at].text : undefined);
  if (name === undefined) return NOTHING_READ;
  const deed = deedOn(kind, { schema: null, name }, ...effects);
  return whole(renamed(words, at + 1, deed, null));
}

/** Views, routines, events, sequences, packages, libraries; several apart by commas, as of DROP VIEW. */
function inSchema(
  words: readonly Word[],
  from: number,
  kind: string,
  schema: string | null,
  effects: readonly Effect[],
): Reading {
  const deeds: Deed[] = [];
  for (let at = from; ; at++) {
    const found = qualified(words, at, schema);
    if (found === null) return { deeds, whole: false };
    const deed = deedOn(kind, found, ...effects);
    deeds.push(kind === 'event' ? renamed(words, found.next, deed, schema) : deed);
    at = found.next;
    if (keyword(words, 0) !== 'DROP' || !isSign(words[at], ',')) return whole(...deeds);
  }
}

/** ALTER … RENAME TO, before the body of an event. */
function renamed(words: readonly Word[], from: number, deed: Deed, schema: string | null): Deed {
  if (keyword(words, 0) !== 'ALTER') return deed;
  for (let at = from; at < words.length && keyword(words, at) !== 'DO'; at++) {
    if (keyword(words, at) !== 'RENAME' || keyword(words, at + 1) !== 'TO') continue;
    const to = qualified(words, at + 2, schema);
    if (to === null) return deed;
    const effects = [...deed.effects, 'renames'] as const;
    return { ...deed, effects, becomes: { schema: to.schema, name: to.name } };
  }
  return deed;
}

function ofDefault(found: Name, schema: string | null): Name {
  return found.schema === null ? { schema, name: found.name } : found;
}
