/** SQL quoting for what can't be a parameter: names in DDL, and literals in files that a person reviews. Pure. */

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Holds under any standard_conforming_strings, since backslashes go into an E'' literal. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
