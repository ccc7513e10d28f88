/**
 * SQL quoting for what can't be a parameter, under any sql_mode: names in backticks, literals in single quotes. A name
 * in backticks knows no escapes: SQL that holds one with hidden characters is for the server alone (`hidesName`). Pure.
 */
import { isClean } from '../../../base/text.ts';

export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function qualified({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** As hexadecimal where something hides in it, or a backslash: NO_BACKSLASH_ESCAPES decides what that means. */
export function quoteLiteral(text: string): string {
  if (text.includes('\\') || !isClean(text)) return `_utf8mb4 0x${Buffer.from(text).toString('hex')}`;
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * `app@10.0.0.4` → `'app'@'10.0.0.4'`, as information_schema writes a GRANTEE; `%` where no host is given. To compare and to
 * tell, not for SQL: nothing is escaped in it.
 */
export function granteeOf(account: string): string {
  const at = account.lastIndexOf('@');
  const [user, host] = at < 0 ? [account, '%'] : [account.slice(0, at), account.slice(at + 1)];
  return `'${user}'@'${host}'`;
}

/** A GRANTEE for SQL: in backticks where something in it needs an escape. */
export function quoteGrantee(grantee: string): string {
  const [, user, host] = /^'(.*)'@'(.*)'$/s.exec(grantee) ?? [null, grantee, '%'];
  const part = (name = '') => (/['\\]/.test(name) ? quoteIdentifier(name) : `'${name}'`);
  return `${part(user)}@${part(host)}`;
}

/** A schema's name in GRANT … ON `schema`.*, where _ and % are wildcards. */
export function quoteSchemaGrant(schema: string): string {
  return quoteIdentifier(schema.replace(/[\\_%]/g, '\\$&'));
}

/** Comments first, for an apostrophe may stand in them. */
const QUOTED =
  /(?:-- |#)[^\n]*|\/\*(?!!|M!).*?\*\/|(`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")/gs;

/** Whether a quoted name in it holds what is not seen, or what a client that reads lines takes for more than a name. */
export function hidesName(sql: string): boolean {
  return [...sql.matchAll(QUOTED)].some(([, quoted = '']) => !isClean(quoted));
}
