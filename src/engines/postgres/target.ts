/** Which server and login a Postgres source means. The password comes from the file, the URL or PGPASSWORD; never from an argument. */
import { readFileSync } from 'node:fs';
import type { PostgresSourceConfig, TrailConfig } from '../../config/schema.ts';
import { kitDigest } from '../../source/postgres/preflight/kit.ts';
import type { PreflightWish } from '../../source/postgres/preflight/wish.ts';
import { type ConnectionTarget, parsePostgresUrl } from '../../source/postgres/wire/connection.ts';
import type { Environment } from '../common/engine.ts';
import { ofAdmin, readPassword, readSecret } from '../common/secret.ts';

/** Throws `config_invalid`. */
export function postgresTarget(source: PostgresSourceConfig, env: Environment): ConnectionTarget {
  return parsePostgresUrl(source.url, sourcePassword(source, env));
}

/** The password that the URL lacks: the file's, else (as libpq does, where the URL has none) PGPASSWORD. */
export function sourcePassword(source: PostgresSourceConfig, env: Environment): string | undefined {
  if (source.password_file !== undefined) return readPassword(source.password_file);
  return parsePostgresUrl(source.url).config.password === '' ? env['PGPASSWORD'] || undefined : undefined;
}

/** The admin's, from ROWSEAL_ADMIN_URL or a file; PGPASSWORD where the URL has no password. Null where none is given. */
export function adminTarget(env: Environment, file?: string): ConnectionTarget | null {
  const url = file === undefined ? env['ROWSEAL_ADMIN_URL'] : readSecret(file);
  if (!url || /^(mysql|mariadb):/.test(url)) return null; // that of another trail
  return ofAdmin(file, () => {
    const target = parsePostgresUrl(url);
    return target.config.password === '' && env['PGPASSWORD']
      ? parsePostgresUrl(url, env['PGPASSWORD'])
      : target;
  });
}

/** Whether both lead to one database of one server, as far as their addresses tell; this machine has several names. */
export function sameDatabase(one: ConnectionTarget, other: ConnectionTarget): boolean {
  return placeOf(one) === placeOf(other);
}

function placeOf({ host, port, database }: ConnectionTarget): string {
  const here = host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host);
  return `${here ? 'localhost' : host.toLowerCase()}:${port}/${database}`;
}

/** `127.0.0.1:5432/orders`, for people. */
export function addressOf({ host, port, database }: ConnectionTarget): string {
  return `${host}:${port}/${database}`;
}

/** Says that the admin's URL is another place than the trail's. */
export function elsewhere(admin: ConnectionTarget, target: ConnectionTarget): string {
  return `ROWSEAL_ADMIN_URL (${addressOf(admin)}) is not the server of this trail (${addressOf(target)})`;
}

export function preflightWish(
  source: PostgresSourceConfig,
  tables: TrailConfig['tables'],
  target: ConnectionTarget,
): PreflightWish {
  return {
    role: target.user,
    slot: source.slot,
    publication: source.publication,
    plugin: source.plugin,
    failover: source.failover,
    acceptUnboundedWal: source.accept_unbounded_wal,
    tables,
    kitDigest: kitDigest(readKitFile('01-kit.sql')),
  };
}

/** A file of the SQL kit, as shipped. */
export function readKitFile(name: string): string {
  return readFileSync(new URL(`../../../sql/postgres/${name}`, import.meta.url), 'utf8');
}
