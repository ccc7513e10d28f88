/**
 * The records that are not about rows: ddl and tamper inside a transaction, relation before a table's
 * changes, and genesis, lifecycle, gap and tamper outside. All but `relation` belong to class `trail`.
 */
import type { MessageTree } from '../attribution/attribution.ts';
import { textOf } from '../attribution/envelope.ts';
import type { RecordBuffer } from '../buffer.ts';
import type { Observation, Position, Relation } from '../change.ts';
import type { RowPlan } from '../policy/row-plan.ts';
import { ddlTargets } from './ddl-targets.ts';
import { type Place, writeMiddle, writeStart, writeTransaction } from './record.ts';
import { maskedStatement } from './sql-literals.ts';

/** Retention class of what explains the trail itself. */
export const TRAIL_CLASS = 'trail';

export interface Genesis {
  readonly trail: string;
  /** `2026-11-21T20:18:33.123Z` */
  readonly createdAt: string;
  readonly source: Readonly<Record<string, unknown>>;
  /** The vkey of the log's signer, the one key that it has. */
  readonly logKey: string;
}

const DDL = Buffer.from('{"kind":"ddl","id":');
const GAP = Buffer.from('{"kind":"gap","id":');
const TAMPER = Buffer.from('{"kind":"tamper","id":');

export function writeGenesis(out: RecordBuffer, genesis: Genesis): void {
  out.json(
    jsonOf({
      kind: 'genesis',
      trail: genesis.trail,
      format: 'rowseal/1',
      created_at: genesis.createdAt,
      source: genesis.source,
      log_key: genesis.logKey,
      log_keys: [genesis.logKey],
    }),
  );
}

/** `time` is ours, for these come from no transaction. */
export function writeObservation(out: RecordBuffer, observation: Observation, time: string): void {
  const { kind, ...rest } = observation;
  out.json(jsonOf({ kind, time, ...rest, within: undefined }));
}

/** What a table looks like to the changes behind it; `time` is their transaction's. */
export function writeRelation(out: RecordBuffer, plan: RowPlan, time: string): void {
  out.json(`{"kind":"relation","time":"${time}"${plan.relationRecord}`);
}

/**
 * No rule matches this relation by what is known of it, but one may have matched an ancestor: from this event on, its
 * changes in this transaction are missing. They lie between the end of the transaction before, `from`, and the commit, `to`.
 */
export function writeLostRelation(
  out: RecordBuffer,
  place: Place,
  relation: Relation,
  from: Position,
  to: Position,
): void {
  const { schema, table, ancestors, gone } = relation;
  const details = { schema, table, partition_of: ancestors, gone: gone === true };
  writeStart(out, GAP, place);
  out.json(
    `,"from":${jsonOf(from)},"to":${jsonOf(to)},"reason":"ancestry_unknown","details":${jsonOf(details)}`,
  );
  writeTransaction(out, place);
  out.json('}');
}

/** The record of a `rowseal.ddl` message. One without `targets`, of an older kit say, did what nobody knows. */
export function writeDdl(out: RecordBuffer, place: Place, message: MessageTree): void {
  const tag = textOf(message['tag']) ?? '';
  const type = textOf(message['object_type']) ?? '';
  const command = textOf(message['command']);
  // A source that knows its own quoting has masked it already, or dropped it.
  const masked = message['masked'] === 'true';
  const statement = command === null || masked ? command : maskedStatement(command, tag, type);
  const target = { schema: textOf(message['schema']), type, identity: textOf(message['identity']) };
  writeStart(out, DDL, place);
  const targets = ddlTargets(message['targets']);
  out.json(`,"action":"ddl","tag":${jsonOf(tag)},"target":${jsonOf(target)},"targets":${targets}`);
  writeMiddle(out, place);
  out.json(
    `,"event":${jsonOf(textOf(message['event']))},"in_extension":${message['in_extension'] === 'true'}`,
  );
  const dropped = statement === null && (command !== null || message['statement_dropped'] === 'true');
  out.json(`,"statement":${jsonOf(statement)}${dropped ? ',"statement_dropped":true' : ''}}`);
}

/** Interference with the capture that a transaction's own messages show. */
export function writeTamper(
  out: RecordBuffer,
  place: Place,
  what: string,
  details: Readonly<Record<string, unknown>>,
): void {
  writeStart(out, TAMPER, place);
  out.json(`,"what":${jsonOf(what)}`);
  writeMiddle(out, place);
  out.json(`,"details":${jsonOf(details)}}`);
}

/** Strict JSON whatever the strings hold: lone surrogates become U+FFFD, big integers strings. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (typeof each === 'string') return each.toWellFormed();
    return typeof each === 'bigint' ? each.toString() : each;
  });
}
