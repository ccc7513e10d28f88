/**
 * Statements about accounts: which they name, and what they may do from then on. Such statements hold passwords: what is
 * taken from them are the names of accounts and roles, and of what is granted, never anything else. Pure.
 */
import { type Deed, deedOn, type Effect, NOTHING_READ, type Reading, whole } from './deeds.ts';
import { behindExists, isSign, keyword, nextPart, qualified, type Word } from './words.ts';

interface Account {
  /** `name@host`, or the bare name. */
  readonly name: string;
  readonly next: number;
}

/** Null where none stands here. */
export function accountAt(words: readonly Word[], at: number): Account | null {
  const name = words[at];
  if (name === undefined) return null;
  if (!name.string && !name.quoted && !/^[\w$%.\u0080-\uffff]+$/.test(name.text)) return null;
  if (!isSign(words[at + 1], '@') || words[at + 2] === undefined) return { name: name.text, next: at + 1 };
  return { name: `${name.text}@${words[at + 2]!.text}`, next: at + 3 };
}

/** CREATE, ALTER and DROP of users and roles; `from`: the first name. */
export function accountDeeds(
  words: readonly Word[],
  from: number,
  kind: string,
  effects: readonly Effect[],
): Reading {
  return whole(...listed(words, from).map((name) => deedOn(kind, { schema: null, name }, ...effects)));
}

/** Behind these stand roles: CREATE USER … DEFAULT ROLE, GRANT … AS … WITH ROLE. No account comes after them. */
const BEFORE_ROLES = new Set(['DEFAULT', 'ROLE']);

/** Accounts apart by commas, each with its own IDENTIFIED … behind it. */
function listed(words: readonly Word[], from: number): string[] {
  const names: string[] = [];
  for (let at = from; at < words.length; ) {
    const account = accountAt(words, at);
    if (account === null) break;
    names.push(account.name);
    at = account.next;
    while (at < words.length && !isSign(words[at], ',') && !BEFORE_ROLES.has(keyword(words, at))) at++;
    if (!isSign(words[at], ',')) break;
    at++;
  }
  return names;
}

/** RENAME USER a TO b, c TO d. */
export function renamedAccounts(words: readonly Word[], from: number): Reading {
  const deeds: Deed[] = [];
  for (let at = from; ; at++) {
    const old = accountAt(words, at);
    const next = old !== null && keyword(words, old.next) === 'TO' ? accountAt(words, old.next + 1) : null;
    if (old === null || next === null) return { deeds, whole: false };
    const becomes = { schema: null, name: next.name };
    deeds.push({ ...deedOn('user', { schema: null, name: old.name }, 'renames'), becomes });
    at = next.next;
    if (!isSign(words[at], ',')) return whole(...deeds);
  }
}

/** SET PASSWORD [FOR u], SET DEFAULT ROLE r TO u, or FOR u. */
export function settings(words: readonly Word[]): Reading {
  const to = words.findIndex((_, at) => ['FOR', 'TO'].includes(keyword(words, at)));
  const isPassword = keyword(words, 1) === 'PASSWORD';
  const of = isPassword && keyword(words, 2) !== 'FOR' ? -1 : to;
  const names =
    of < 0 ? ['current_user'] : isPassword ? listed(words, of + 1).slice(0, 1) : listed(words, of + 1);
  return whole(...names.map((name) => deedOn('user', { schema: null, name }, 'rights')));
}

/** GRANT and REVOKE: on what, or which roles, and to whom. */
export function privileges(words: readonly Word[], schema: string | null): Reading {
  const to = words.findIndex((_, at) => at > 0 && ['TO', 'FROM'].includes(keyword(words, at)));
  if (to < 0) return NOTHING_READ;
  const grantees = listed(words, to + 1).map((name) => deedOn('user', { schema: null, name }, 'rights'));
  const on = words.findIndex((_, at) => at < to && keyword(words, at) === 'ON');
  const granted = on < 0 ? roles(words, to) : granting(words, on + 1, schema);
  return whole(...granted, ...grantees);
}

/** GRANT a, b TO …; but REVOKE ALL PRIVILEGES, GRANT OPTION FROM …. */
function roles(words: readonly Word[], end: number): Deed[] {
  const deeds: Deed[] = [];
  let at = behindExists(words, 1);
  if (keyword(words, at) === 'ADMIN' && keyword(words, at + 1) === 'OPTION') at += 3;
  if (keyword(words, at) === 'ALL') return deeds;
  while (at < end) {
    const role = accountAt(words, at);
    if (role === null) return deeds;
    deeds.push(deedOn('role', { schema: null, name: role.name }, 'rights'));
    at = nextPart(words, role.next);
  }
  return deeds;
}

const KINDS = new Set(['TABLE', 'FUNCTION', 'PROCEDURE', 'PACKAGE', 'LIBRARY']);

/** What stands behind ON. Of *.* there is no object: who got it says it. */
function granting(words: readonly Word[], from: number, schema: string | null): Deed[] {
  if (keyword(words, from - 2) === 'PROXY') {
    const account = accountAt(words, from);
    return account === null ? [] : [deedOn('user', { schema: null, name: account.name }, 'rights')];
  }
  let kind = 'table';
  let at = from;
  if (KINDS.has(keyword(words, at)) && !isSign(words[at + 1], '.')) {
    kind = keyword(words, at).toLowerCase();
    at++;
    if (kind === 'package' && keyword(words, at) === 'BODY') {
      kind = 'package body';
      at++;
    }
  }
  if (isSign(words[at], '*')) {
    const isAll = isSign(words[at + 1], '.') || schema === null || schema === '';
    return isAll ? [] : [deedOn('schema', { schema: null, name: schema }, 'rights')];
  }
  const found = qualified(words, at, schema);
  if (found === null) return [];
  if (found.next === at + 3 && isSign(words[at + 2], '*'))
    return [deedOn('schema', { schema: null, name: unescaped(found.schema ?? '') }, 'rights')];
  return [deedOn(kind, found, 'rights')];
}

/** Of a schema's name, in which _ and % are wildcards unless a backslash stands before them. */
function unescaped(pattern: string): string {
  return pattern.replace(/\\([_%])/g, '$1');
}
