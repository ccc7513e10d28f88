/**
 * The columns that a table has by now beside those that the stream sends: redactions name them, and must not be missed
 * for it. The catalogs tell of now and the stream of then: a column may only count as added later where none of those
 * that were sent can be it under an earlier name.
 */
import type { RelationMessage } from '../events/decode.ts';
import type { TextRow } from '../wire/sessions.ts';

/** As a column of a query: of each of a table's columns whether it is never sent (generated, not in the column list). */
export const columnsNow = (oid: string, publication: string, version: number) => `
    (select json_object_agg(a.attname, a.attgenerated <> ''${
      version >= 150_000 ? ' or coalesce(a.attnum <> all (r.prattrs::int2[]), false)' : ''
    })
       from pg_attribute a left join pg_publication_rel r on r.prrelid = a.attrelid
        and r.prpubid = (select oid from pg_publication where pubname = ${publication})
      where a.attrelid = ${oid} and a.attnum > 0 and not a.attisdropped) as columns_now`;

/** What redactions depend on beside the columns that were sent. */
export function namesBesides(message: RelationMessage, facts: TextRow, redacted: readonly string[]) {
  const now = JSON.parse(facts['columns_now'] ?? '{}') as Record<string, boolean>;
  const sent = new Set(message.columns.map(({ name }) => name));
  const allThere = [...sent].every((name) => Object.hasOwn(now, name));
  const unsent = Object.keys(now).filter((name) => !sent.has(name) && (allThere || now[name]));
  return {
    oid: message.oid,
    ...(unsent.length === 0 ? {} : { unsent }),
    ...(redacted.length === 0 ? {} : { redactedBefore: redacted }),
  };
}
