/**
 * What a transaction's first event says of it: its name, its position, its time. A pure function of the log: the same
 * transaction must never get another name when it is read again.
 */
import type { TransactionStart } from '../../../change/change.ts';
import type { EventHeader } from '../events/events.ts';
import type { FilePlace, Gtid } from './position.ts';

/** `behind`: the place behind the GTID's event. Without a GTID that counts, the name is where it began. */
export function transactionStart(gtid: Gtid, header: EventHeader, behind: FilePlace): TransactionStart {
  const id = idOf(gtid) ?? `${behind.file}:${behind.position - header.size}`;
  const micros = gtid.flavor === 'mysql' ? gtid.commitMicros : null;
  if (micros === null) {
    return { id, position: id, time: timeOf(header.timestamp, 0), timeSource: 'header' };
  }
  return { id, position: id, time: timeOf(Math.floor(micros / 1e6), micros % 1e6) };
}

function idOf(gtid: Gtid): string | null {
  if (gtid.flavor === 'mariadb') return `${gtid.domain}-${gtid.serverId}-${gtid.sequence}`;
  return gtid.source === null ? null : `${gtid.source}:${gtid.number}`;
}

/** The second that was asked for last: small transactions come by the thousand in one. */
let lastSeconds = -1;
let lastText = '';

/** `2026-11-21T20:18:33.123456Z` */
function timeOf(seconds: number, micros: number): string {
  if (seconds !== lastSeconds) {
    lastText = new Date(seconds * 1000).toISOString().slice(0, -5);
    lastSeconds = seconds;
  }
  return `${lastText}.${String(micros).padStart(6, '0')}Z`;
}
