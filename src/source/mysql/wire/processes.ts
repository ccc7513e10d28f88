/** Who is on the server, as SHOW PROCESSLIST shows it to an account: its own sessions at least. Asks only. */
import type { Session, TextRow } from './sessions.ts';

/** Anything that asks the server. */
type Asking = Pick<Session, 'query'>;

/**
 * SHOW PROCESSLIST: every session with the PROCESS privilege, else those of our account. Not the table of
 * information_schema: MySQL fails to read it while anybody runs a statement with a character outside the BMP (3854).
 */
export async function readProcessList(side: Asking): Promise<TextRow[]> {
  const rows = await side.query('SHOW PROCESSLIST');
  return rows.map(({ Id, User, Host, Command }) => ({
    id: Id!,
    user: User!,
    host: Host!,
    command: Command!,
  }));
}

/** The sessions under our name that a binlog is sent to. */
export async function readOwnDumps(side: Asking): Promise<number[]> {
  const [self] = await side.query(`SELECT SUBSTRING_INDEX(USER(), '@', 1) AS user`);
  const rows = await readProcessList(side);
  return rows
    .filter(({ user, command }) => user === self?.['user'] && command?.startsWith('Binlog Dump'))
    .map(({ id }) => Number(id));
}
