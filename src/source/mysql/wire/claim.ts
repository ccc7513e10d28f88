/**
 * One reader for each server_id. The session that becomes the dump first takes a named lock of the server's (MySQL: "Locking
 * Functions"; MariaDB: "GET_LOCK"), which needs no privilege, and which the server keeps for exactly as long as the dump: also
 * while it has not noticed that the daemon is dead. Whoever comes second sees it before he ends a stream that lives: a
 * dump under the same server_id would. MariaDB shows its registered replicas to REPLICATION MASTER ADMIN alone, which is
 * too much to ask for. The lock must never keep us out on a stranger's word: anybody who may log in can take one by this
 * name, and an anonymous account can call itself as ours. So it counts only where a session of our name holds it that is
 * sent a binlog, which takes a privilege.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RowsealError } from '../../../base/errors.ts';
import { errnoOf } from './failure.ts';
import { readOwnDumps } from './processes.ts';
import type { Session } from './sessions.ts';

type Asking = Pick<Session, 'query'>;

/** Between two looks at a lock that no dump holds: whoever has it may be about to become one, or let go. */
const LOOK_MS = 100;
const LOOKS = 10;

/** For the session that becomes the dump. Throws `server_id_in_use` where another dump of our account has it. */
export async function takeClaim(session: Asking, serverId: number): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const [row] = await orNone(session.query('SELECT GET_LOCK(?, 0) AS got', [lockName(serverId)]));
    if (row === undefined || row['got'] === '1') return;
    const holder = await readClaim(session, serverId);
    if (holder !== null) throw serverIdInUse(serverId, sessionText(holder));
    await sleep(LOOK_MS);
  }
}

/** The session of our own account that reads the binlog as this server_id; null where none can be seen. */
export async function readClaim(side: Asking, serverId: number): Promise<number | null> {
  const [row] = await orNone(side.query('SELECT IS_USED_LOCK(?) AS holder', [lockName(serverId)]));
  const holder = row?.['holder'] ?? null;
  if (holder === null) return null;
  const dumps = await readOwnDumps(side);
  return dumps.find((id) => id === Number(holder)) ?? null;
}

export function sessionText(threadId: number): string {
  return `session ${threadId} of this account`;
}

export function serverIdInUse(serverId: number, who: string, cause?: unknown): RowsealError {
  return new RowsealError(
    'server_id_in_use',
    `${who} reads the binary log as server_id ${serverId} already`,
    { cause, details: { server_id: serverId } },
  );
}

function lockName(serverId: number): string {
  return `rowseal server_id ${serverId}`;
}

/** Some clusters have no such locks (Galera: 1235, 1105): then there is none. */
async function orNone<T>(asked: Promise<T[]>): Promise<T[]> {
  try {
    return await asked;
  } catch (error) {
    if (errnoOf(error) !== null) return [];
    throw error;
  }
}
