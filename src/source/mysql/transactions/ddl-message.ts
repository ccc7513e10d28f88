/**
 * The message of a DDL statement, as the kit for Postgres sends it: what it is, on what, what it did to each object, and
 * its text, masked already. Where the text can't be had for certain, nothing of what it says is taken for what it did.
 */
import type { Query } from '../events/query.ts';
import { maskedStatement } from '../sql/masking.ts';
import type { Statement } from '../sql/statements.ts';
import { type Logged, targetsOf, UNKNOWN_TARGETS } from '../sql/targets.ts';

/** With the server that logged it. */
export type DdlStatement = Extract<Statement, { kind: 'ddl' }> & Pick<Logged, 'flavor'>;

export function ddlMessage(query: Query, statement: DdlStatement): Buffer {
  const { tag, objectType, schema, identity, secret, reading, flavor } = statement;
  const kept = secret || query.text === null ? null : cut(maskedStatement(query.text, query.mode));
  const targets = query.text === null ? UNKNOWN_TARGETS : targetsOf(reading, { ...query, flavor });
  const message = JSON.stringify({
    event: 'ddl',
    tag,
    object_type: objectType,
    schema: cut(schema),
    identity: cut(identity),
    command: kept,
    ...(kept === null ? { statement_dropped: true } : { masked: true }),
    in_extension: false,
  });
  return Buffer.from(`${message.slice(0, -1)},"targets":${targets}}`);
}

/** Characters of a statement that are kept, as of Postgres. */
const MAX_STATEMENT = 8192;

function cut(text: string | null): string | null {
  if (text === null || text.length <= MAX_STATEMENT) return text?.toWellFormed() ?? null;
  return `${text.slice(0, MAX_STATEMENT).toWellFormed()}…`;
}
