/**
 * The message that describes a relation, before the first change of it and again when it has changed (manual: "Logical
 * Replication Message Formats": Relation). Only what the message says: keys and types' names come from the catalogs.
 */
import { broken, type Cursor } from './cursor.ts';

/** A Relation message as it came. */
export interface RelationMessage {
  readonly oid: number;
  /** The transaction that it came in, and the position of its commit. */
  readonly xid: number;
  readonly position: string;
  readonly schema: string;
  readonly table: string;
  /** pg_class.relreplident: d, f, i, n. */
  readonly identity: string;
  readonly columns: readonly {
    readonly name: string;
    readonly typeOid: number;
    readonly typeModifier: number;
    readonly identity: boolean;
  }[];
}

/** `inside` is the transaction that it came in; its position is null outside of one. */
export function readRelation(
  cursor: Cursor,
  readName: (bytes: Buffer) => string,
  inside: { readonly xid: number; readonly position: string | null },
): RelationMessage {
  const oid = cursor.u32();
  const schema = schemaOf(readName(cursor.name()));
  const table = readName(cursor.name());
  const identity = String.fromCharCode(cursor.u8());
  if (!'dfin'.includes(identity)) throw broken(`replica identity ${identity}`);
  const columns = Array.from({ length: cursor.u16() }, () => {
    const flags = cursor.u8();
    if (flags > 1) throw broken(`a column with flags ${flags}`);
    const name = readName(cursor.name());
    return { name, typeOid: cursor.u32(), typeModifier: cursor.u32() | 0, identity: flags === 1 };
  });
  return { oid, xid: inside.xid, position: inside.position ?? '0/0', schema, table, identity, columns };
}

/** The server sends no name for pg_catalog. */
export function schemaOf(sent: string): string {
  return sent || 'pg_catalog';
}
