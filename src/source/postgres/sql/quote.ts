/**
 * SQL quoting for what can't be a parameter: names in DDL, and literals in files that a person reviews and psql reads. What
 * comes out is one line without hidden characters: they stand there as escapes, which the server undoes. Pure.
 */
import { escapeHidden, isClean } from '../../../base/text.ts';

/** `"orders"`; `U&"or\00000Aders"` where something hides in it. */
export function quoteIdentifier(name: string): string {
  const quoted = plainIdentifier(name);
  const escaped = escapeHidden(quoted.replaceAll('\\', '\\\\'), (codePoint) => `\\+${hex(codePoint, 6)}`);
  return isClean(quoted) ? quoted : `U&${escaped}`;
}

/** Holds under any standard_conforming_strings, since backslashes go into an E'' literal. */
export function quoteLiteral(text: string): string {
  const escaped = escapeHidden(text.replaceAll('\\', '\\\\'), (codePoint) => `\\U${hex(codePoint, 8)}`);
  const quoted = `'${escaped.replaceAll("'", "''")}'`;
  return escaped.includes('\\') ? ` E${quoted}` : quoted;
}

/** A table's name as a literal, for a parameter of type regclass: inside, the server knows no U&. */
export function quoteRegclass({ schema, table }: { schema: string; table: string }): string {
  return quoteLiteral(`${plainIdentifier(schema)}.${plainIdentifier(table)}`);
}

function plainIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function hex(codePoint: number, digits: number): string {
  return codePoint.toString(16).toUpperCase().padStart(digits, '0');
}
