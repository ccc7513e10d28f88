/**
 * What a DDL or administration statement is about: its tag, the kind of object, its name. From the statement's first words
 * alone, since the binlog says nothing else of it. `secret` where it may carry credentials: its text must not be kept.
 */
import { objectKind } from './object-kind.ts';
import { behindExists, keyword, qualified, type Word } from './words.ts';

export interface Definition {
  /** `CREATE TABLE`, `TRUNCATE TABLE`, `GRANT`. */
  readonly tag: string;
  /** `table`, `user`, in lower case; empty where there is none. */
  readonly objectType: string;
  readonly schema: string | null;
  /** `schema.table`, a database, `name@host` of accounts; several apart by commas. */
  readonly identity: string | null;
  readonly secret: boolean;
}

/** Null where it is no such statement. */
export function readDefinition(words: readonly Word[], schema: string | null): Definition | null {
  switch (keyword(words, 0)) {
    case 'CREATE':
    case 'ALTER':
    case 'DROP':
      return ofObject(words, schema);
    case 'TRUNCATE':
      return named('TRUNCATE TABLE', 'table', words, keyword(words, 1) === 'TABLE' ? 2 : 1, schema);
    case 'RENAME':
      if (keyword(words, 1) === 'USER') return ofAccounts('RENAME USER', 'user', words, 2, true);
      return named('RENAME TABLE', 'table', words, 2, schema);
    case 'GRANT':
    case 'REVOKE':
      return ofPrivilege(words);
    case 'SET':
      return ofSet(words);
    case 'ANALYZE':
    case 'OPTIMIZE':
    case 'REPAIR':
    case 'CHECK':
      return ofMaintenance(words, schema);
    case 'FLUSH':
      return { tag: 'FLUSH', objectType: '', schema: null, identity: null, secret: false };
    case 'INSTALL':
    case 'UNINSTALL':
      return plain(`${keyword(words, 0)} ${keyword(words, 1)}`.trim(), 'plugin', false);
    case 'CHANGE':
      return plain(`CHANGE ${keyword(words, 1)}`.trim(), 'replication', true);
    default:
      return null;
  }
}

const SECRETS = new Set(['user', 'role', 'server']);
/** Of no schema. */
const GLOBAL = new Set(['server', 'tablespace', 'logfile group', 'resource group', 'instance', 'catalog']);
/** Words between the verb and an index that belong to the tag. */
const OF_INDEX = new Set(['UNIQUE', 'FULLTEXT', 'SPATIAL', 'VECTOR']);

function ofObject(words: readonly Word[], schema: string | null): Definition | null {
  const found = objectKind(words);
  if (found === null) return null;
  const { kind, before, at } = found;
  const shown = before.filter((each) => each === 'TEMPORARY' || (kind === 'index' && OF_INDEX.has(each)));
  const tag = [keyword(words, 0), ...shown, kind.toUpperCase()].join(' ');
  if (kind === 'spatial reference system') return plain(tag, kind, false);
  if (kind === 'user' || kind === 'role') return ofAccounts(tag, kind, words, at, true);
  if (kind === 'database') {
    const name = qualified(words, at, null)?.name ?? schema;
    return { tag, objectType: kind, schema: name, identity: name, secret: false };
  }
  if (GLOBAL.has(kind)) {
    const name = qualified(words, at, null)?.name ?? null;
    return { tag, objectType: kind, schema: null, identity: name, secret: SECRETS.has(kind) };
  }
  if (kind === 'index') return ofIndex(tag, words, at, schema);
  return named(tag, kind, words, at, schema);
}

/** The objects at this place; several of them where commas follow, as of DROP TABLE. */
function named(
  tag: string,
  objectType: string,
  words: readonly Word[],
  from: number,
  schema: string | null,
): Definition {
  const names: string[] = [];
  let first: string | null = null;
  let at = behindExists(words, from);
  for (;;) {
    const found = qualified(words, at, schema);
    if (found === null) break;
    first ??= found.schema;
    names.push(found.identity);
    at = found.next;
    if (keyword(words, at) === 'TO') at = qualified(words, at + 1, schema)?.next ?? at;
    if (words[at]?.text !== ',' || words[at]!.quoted) break;
    at++;
  }
  return {
    tag,
    objectType,
    schema: first,
    identity: names.length === 0 ? null : names.join(','),
    secret: false,
  };
}

function ofIndex(tag: string, words: readonly Word[], at: number, schema: string | null): Definition {
  const index = qualified(words, at, null);
  const on = words.findIndex((_, place) => place > at && keyword(words, place) === 'ON');
  const table = on < 0 ? null : qualified(words, on + 1, schema);
  const identity = index === null || table === null ? null : `${table.identity}.${index.name}`;
  return { tag, objectType: 'index', schema: table?.schema ?? null, identity, secret: false };
}

function ofAccounts(
  tag: string,
  objectType: string,
  words: readonly Word[],
  from: number,
  secret: boolean,
): Definition {
  return { tag, objectType, schema: null, identity: accounts(words, behindExists(words, from)), secret };
}

/** `name@host` of each account in a list; what else stands there ends it. */
function accounts(words: readonly Word[], from: number): string | null {
  const names: string[] = [];
  let at = from;
  for (let name = words[at]; name !== undefined; name = words[at]) {
    if (!name.string && !name.quoted && !/^[\w$%.\u0080-\uffff]+$/.test(name.text)) break;
    at++;
    let account = name.text;
    if (words[at]?.text === '@' && words[at + 1] !== undefined) {
      account += `@${words[at + 1]!.text}`;
      at += 2;
    }
    names.push(account);
    // RENAME USER a TO b, and lists.
    const next = words[at];
    if (next === undefined || next.quoted || (next.text !== ',' && keyword(words, at) !== 'TO')) break;
    at++;
  }
  return names.length === 0 ? null : names.join(',');
}

function ofPrivilege(words: readonly Word[]): Definition {
  const tag = keyword(words, 0);
  const to = words.findIndex((_, at) => ['TO', 'FROM'].includes(keyword(words, at)));
  const secret = words.some((_, at) => ['IDENTIFIED', 'PASSWORD', 'AUTH'].includes(keyword(words, at)));
  return {
    tag,
    objectType: 'privilege',
    schema: null,
    identity: to < 0 ? null : accounts(words, to + 1),
    secret,
  };
}

function ofSet(words: readonly Word[]): Definition | null {
  const what = keyword(words, 1);
  if (what === 'PASSWORD') {
    const of = keyword(words, 2) === 'FOR' ? 3 : words.length;
    return ofAccounts('SET PASSWORD', 'user', words, of, true);
  }
  if (what === 'DEFAULT' && keyword(words, 2) === 'ROLE') return plain('SET DEFAULT ROLE', 'role', true);
  return null;
}

function ofMaintenance(words: readonly Word[], schema: string | null): Definition | null {
  let at = 1;
  while (['NO_WRITE_TO_BINLOG', 'LOCAL'].includes(keyword(words, at))) at++;
  if (!['TABLE', 'TABLES'].includes(keyword(words, at))) return null;
  return named(`${keyword(words, 0)} TABLE`, 'table', words, at + 1, schema);
}

function plain(tag: string, objectType: string, secret: boolean): Definition {
  return { tag, objectType, schema: null, identity: null, secret };
}
