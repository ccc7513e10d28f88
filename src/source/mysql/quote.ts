/** SQL quoting for what can't be a parameter, under any sql_mode: names in backticks, literals in single quotes. Pure. */

export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

export function qualified({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** Where a backslash stands in it, as hexadecimal: NO_BACKSLASH_ESCAPES decides what one means. */
export function quoteLiteral(text: string): string {
  if (text.includes('\\')) return `_utf8mb4 0x${Buffer.from(text).toString('hex')}`;
  return `'${text.replaceAll("'", "''")}'`;
}

/** `app@10.0.0.4` → `'app'@'10.0.0.4'`, as information_schema writes a GRANTEE; `%` where no host is given. */
export function quoteAccount(account: string): string {
  const at = account.lastIndexOf('@');
  const [user, host] = at < 0 ? [account, '%'] : [account.slice(0, at), account.slice(at + 1)];
  return `'${user.replaceAll("'", "''")}'@'${host.replaceAll("'", "''")}'`;
}

/** A schema's name in GRANT … ON `schema`.*, where _ and % are wildcards. */
export function quoteSchemaGrant(schema: string): string {
  return quoteIdentifier(schema.replace(/[\\_%]/g, '\\$&'));
}
