/**
 * How each type's text becomes JSON (FORMAT.md, Values): a type's description in, a value encoding out. What is
 * not known is a string of the server's text; nothing here may guess.
 */
import type { ValueEncoding } from '../../../change/change.ts';

/** What pg_type says of a type, as far as it matters here. */
export interface TypeDescription {
  /** pg_type.typtype: b(ase), c(omposite), d(omain), e(num), p(seudo), r(ange), m(ultirange). */
  readonly kind: string;
  /** The domain's base type, 0 elsewhere. */
  readonly base: number;
  /** Element type of a true (varlena) array, 0 elsewhere. */
  readonly element: number;
  /** Separates the elements of an array of this type: a comma, but for box a semicolon. */
  readonly delimiter: string;
}

export type TypeLookup = (oid: number) => TypeDescription | undefined;

const STRING: ValueEncoding = { as: 'string' };
const PLAIN: ValueEncoding = { as: 'string', plain: true };
const NUMBER: ValueEncoding = { as: 'number' };
const FLOAT: ValueEncoding = { as: 'float' };

/** Built-in types by OID (src/include/catalog/pg_type.dat: these never change). */
const BUILT_IN: ReadonlyMap<number, { readonly name: string; readonly encoding: ValueEncoding }> = new Map(
  (
    [
      [16, 'boolean', { as: 'boolean' }],
      [17, 'bytea', { as: 'binary' }],
      [20, 'bigint', PLAIN],
      [21, 'smallint', NUMBER],
      [23, 'integer', NUMBER],
      [26, 'oid', NUMBER],
      [114, 'json', { as: 'json' }],
      [700, 'real', FLOAT],
      [701, 'double precision', FLOAT],
      [790, 'money', PLAIN],
      [1082, 'date', PLAIN],
      [1083, 'time without time zone', PLAIN],
      [1114, 'timestamp without time zone', PLAIN],
      [1184, 'timestamp with time zone', PLAIN],
      [1186, 'interval', PLAIN],
      [1266, 'time with time zone', PLAIN],
      [1560, 'bit', PLAIN],
      [1562, 'bit varying', PLAIN],
      [1700, 'numeric', PLAIN],
      [2950, 'uuid', PLAIN],
      [3220, 'pg_lsn', PLAIN],
      [3802, 'jsonb', { as: 'json', trusted: true }],
      // Written out so that a type that was dropped meanwhile still has its name.
      [18, '"char"', STRING],
      [19, 'name', STRING],
      [22, 'int2vector', PLAIN],
      [25, 'text', STRING],
      [30, 'oidvector', PLAIN],
      [1042, 'character', STRING],
      [1043, 'character varying', STRING],
    ] as const
  ).map(([oid, name, encoding]) => [oid, { name, encoding }]),
);

/** Built-in arrays whose pg_type row needs no asking would be a second table: arrays are always looked up. */
export function encodingOf(oid: number, lookup: TypeLookup, depth = 0): ValueEncoding {
  const builtIn = BUILT_IN.get(oid);
  if (builtIn !== undefined) return builtIn.encoding;
  const type = lookup(oid);
  if (type === undefined || depth > 32) return STRING;
  if (type.kind === 'd') return encodingOf(type.base, lookup, depth + 1);
  if (type.element === 0) return STRING;
  const element = encodingOf(type.element, lookup, depth + 1);
  // A domain over an array, as the element of an array, is written as a quoted text of its own.
  const delimiter = lookup(type.element)?.delimiter ?? ',';
  return { as: 'array', element, delimiter };
}

/** The name of a built-in type without its modifier; undefined for every other. */
export function builtInName(oid: number): string | undefined {
  return BUILT_IN.get(oid)?.name;
}
