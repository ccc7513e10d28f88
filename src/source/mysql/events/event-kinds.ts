/** Which types of events mean what to the decoder. What is in none of these lists is not known. */
import { EVENT } from './events.ts';

/** Say something of a transaction's way to the replica, nothing of its changes. */
const SILENT: ReadonlySet<number> = new Set([
  EVENT.INTVAR,
  EVENT.RAND,
  EVENT.USER_VAR,
  EVENT.BEGIN_LOAD_QUERY,
  EVENT.APPEND_BLOCK,
  EVENT.DELETE_FILE,
  EVENT.IGNORABLE,
  EVENT.TRANSACTION_CONTEXT,
  EVENT.VIEW_CHANGE,
]);

/** Between transactions, saying nothing that a reader needs. MariaDB's dump thread decrypts what START_ENCRYPTION begins. */
const BETWEEN: ReadonlySet<number> = new Set([
  EVENT.STOP,
  EVENT.PREVIOUS_GTIDS,
  EVENT.GTID_LIST,
  EVENT.BINLOG_CHECKPOINT,
  EVENT.START_ENCRYPTION,
  EVENT.IGNORABLE,
]);

export function isSilent(type: number): boolean {
  return SILENT.has(type);
}

export function isBetween(type: number): boolean {
  return BETWEEN.has(type);
}

export function isQuery(type: number): boolean {
  return type === EVENT.QUERY || type === EVENT.QUERY_COMPRESSED;
}
