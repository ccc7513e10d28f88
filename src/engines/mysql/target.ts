/** Which server and login a MySQL or MariaDB source means. The password comes from the file, the URL or MYSQL_PWD; never from an argument. */
import { readFileSync } from 'node:fs';
import { RowsealError } from '../../base/errors.ts';
import type { MysqlSourceConfig, TrailConfig } from '../../config/schema.ts';
import { procedureBodies } from '../../source/mysql/kit/script.ts';
import type { KitFiles } from '../../source/mysql/kit/setup-plan.ts';
import type { PreflightWish } from '../../source/mysql/preflight/wish.ts';
import { type ConnectionTarget, parseMysqlUrl } from '../../source/mysql/wire/connection.ts';
import { explainLogin, type LoginOf } from '../../source/mysql/wire/login.ts';
import { connectSession, type Session } from '../../source/mysql/wire/sessions.ts';
import type { Environment } from '../common/engine.ts';
import { ofAdmin, readPassword, readSecret } from '../common/secret.ts';

/** Throws `config_invalid`. */
export function mysqlTarget(source: MysqlSourceConfig, env: Environment): ConnectionTarget {
  return parseMysqlUrl(source.url, mysqlPassword(source, env));
}

/** The password that the URL lacks: the file's, else (as the mysql client does, where the URL has none) MYSQL_PWD. */
export function mysqlPassword(source: MysqlSourceConfig, env: Environment): string | undefined {
  if (source.password_file !== undefined) return readPassword(source.password_file);
  return parseMysqlUrl(source.url).config.password === '' ? env['MYSQL_PWD'] || undefined : undefined;
}

/** The admin's, from ROWSEAL_ADMIN_URL or a file; MYSQL_PWD where the URL has no password. Null where none is given. */
export function mysqlAdmin(env: Environment, file?: string): ConnectionTarget | null {
  const url = file === undefined ? env['ROWSEAL_ADMIN_URL'] : readSecret(file);
  if (!url || /^postgres(ql)?:/.test(url)) return null; // that of another trail
  return ofAdmin(file, () => {
    const target = parseMysqlUrl(url);
    return target.config.password === '' && env['MYSQL_PWD'] ? parseMysqlUrl(url, env['MYSQL_PWD']) : target;
  });
}

/** Throws RowsealError that says which password is meant. */
export async function connectAs(target: ConnectionTarget, of: LoginOf): Promise<Session> {
  try {
    return await connectSession(target);
  } catch (error) {
    throw error instanceof RowsealError ? explainLogin(error, target, of) : error;
  }
}

/** Whether both lead to one server, as far as their addresses tell; this machine has several names. */
export function sameServer(one: ConnectionTarget, other: ConnectionTarget): boolean {
  return placeOf(one) === placeOf(other);
}

function placeOf({ host, port, isSocket }: ConnectionTarget): string {
  if (isSocket) return host;
  return `${['localhost', '127.0.0.1', '::1'].includes(host) ? 'localhost' : host.toLowerCase()}:${port}`;
}

/** Says that the admin's URL is another place than the trail's. */
export function elsewhereThan(admin: ConnectionTarget, target: ConnectionTarget): string {
  return `ROWSEAL_ADMIN_URL (${placeOf(admin)}) is not the server of this trail (${placeOf(target)})`;
}

export function mysqlWish(
  source: MysqlSourceConfig,
  tables: TrailConfig['tables'],
  target: ConnectionTarget,
): PreflightWish {
  const files = readMysqlKit();
  return {
    flavor: source.type,
    user: target.user,
    serverId: source.server_id,
    tls: target.sslMode !== 'DISABLED',
    longestOutageMs: source.longest_outage,
    contextAccounts: source.context_accounts,
    tables,
    procedures: {
      bodies: procedureBodies(files.kit),
      emit: {
        blackhole: procedureBodies(files.tableBlackhole)['emit'] ?? '',
        innodb: procedureBodies(files.tableInnodb)['emit'] ?? '',
      },
    },
  };
}

/** The files of the SQL kit, as shipped. */
export function readMysqlKit(): KitFiles {
  const read = (name: string) => readFileSync(new URL(`../../../sql/mysql/${name}`, import.meta.url), 'utf8');
  return {
    kit: read('01-kit.sql'),
    tableBlackhole: read('01-table-blackhole.sql'),
    tableInnodb: read('01-table-innodb.sql'),
    account: read('02-capture-user.sql'),
    uninstall: read('99-uninstall.sql'),
  };
}
