/**
 * A transaction that a crash cut off in MariaDB's log. The server leaves its beginning in the file, sends it, refuses to go
 * on where an event is torn (error 1236), and gives its GTID to another transaction. Taken for the beginning of that one,
 * it would hide as many of its changes. MySQL trims its log when it recovers. Decided on what the server says of its
 * files: a transaction counts as torn only where the next file certainly begins before it.
 */
import type { Position } from '../../../change/change.ts';
import { errnoOf } from '../wire/failure.ts';
import { readFiles, type ServerFacts } from '../wire/server.ts';
import type { SideSession } from '../wire/sessions.ts';
import { parseMariadbPosition } from './mariadb-gtid.ts';
import { placeOf } from './place.ts';
import type { FilePlace } from './position.ts';

/** ER_MASTER_FATAL_ERROR_READING_BINLOG. */
const FATAL_READING = 1236;

/**
 * Whether the transaction that `error` broke off was never committed. `delivered`: the position before it; `place`: what
 * was read last.
 */
export async function wasTorn(
  error: unknown,
  { side, facts }: { readonly side: SideSession; readonly facts: ServerFacts },
  delivered: Position,
  place: FilePlace | null,
): Promise<boolean> {
  if (facts.flavor !== 'mariadb' || errnoOf(error) !== FATAL_READING || place === null) return false;
  const files = await readFiles(side);
  const at = files.findIndex(({ name }) => name === place.file);
  const next = at < 0 ? undefined : files[at + 1];
  if (next === undefined) return false;
  const [row] = await side.query('SELECT BINLOG_GTID_POS(?, 4) AS pos', [next.name]);
  const begins = row?.['pos'];
  const before = placeOf(delivered);
  if (begins == null || before.by !== 'gtid') return false;
  return parseMariadbPosition(begins).text() === parseMariadbPosition(before.set).text();
}
