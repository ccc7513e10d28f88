/**
 * A URL as libpq writes it (manual: "Connection URIs", "Parameter Key Words") becomes options of the `pg` driver.
 * Names and meanings are libpq's; what isn't supported is refused by name. TLS is verified by default: there is no
 * mode that falls back to plain text. The password never shows in an error.
 */
import type tls from 'node:tls';
import type { ClientConfig } from 'pg';
import { knownAuthorities, urlParts } from '../../url-parts.ts';

const { decode, file, integer, invalid, parameters: parametersOf } = urlParts('Postgres');

export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly sslmode: SslMode;
  /** For `pg.Client`; holds the password. */
  readonly config: ClientConfig;
}

const PARAMETERS = new Set([
  'host',
  'port',
  'dbname',
  'user',
  'password',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslnegotiation',
  'application_name',
  'connect_timeout',
  'options',
  'keepalives_idle',
]);

/** Throws `config_invalid`. `password` overrides the URL's. Files are read here and now. */
export function parsePostgresUrl(url: string, password?: string): ConnectionTarget {
  const given = parseUri(url);
  if (password !== undefined) given['password'] = password;
  for (const name of Object.keys(given)) {
    if (!PARAMETERS.has(name)) throw invalid(`the parameter ${name} is not supported`);
  }
  const host = given['host'] || 'localhost';
  if (host.includes(',')) throw invalid('several hosts are not supported: name the one to audit');
  const port = integer(given, 'port') ?? 5432;
  const user = given['user'];
  if (!user) throw invalid('it names no user');
  const database = given['dbname'] || user;
  const isSocket = host.startsWith('/');
  const sslmode = isSocket ? 'disable' : sslMode(given['sslmode']); // libpq: no TLS over unix sockets
  const config: ClientConfig = {
    host,
    port,
    user,
    database,
    password: given['password'] ?? '',
    ssl: sslmode === 'disable' ? false : tlsOptions(sslmode, given, host),
    application_name: given['application_name'] ?? 'rowseal',
    connectionTimeoutMillis: (integer(given, 'connect_timeout') ?? 10) * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: (integer(given, 'keepalives_idle') ?? 30) * 1000,
    ...(given['options'] === undefined ? {} : { options: given['options'] }),
    ...(given['sslnegotiation'] === 'direct' ? { sslnegotiation: 'direct' } : {}),
  };
  return { host, port, database, user, sslmode, config };
}

function parseUri(url: string): Record<string, string> {
  const parts = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (parts === null) throw invalid('it is not of the form postgres://user@host:port/database?sslmode=…');
  const [, login, authority = '', database, query] = parts;
  const found: Record<string, string> = {};
  const set = (name: string, value: string | undefined) => {
    if (value) found[name] = decode(value);
  };
  const colon = login?.indexOf(':') ?? -1;
  set('user', colon < 0 ? login : login?.slice(0, colon));
  if (colon >= 0) set('password', login?.slice(colon + 1));
  const place = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority);
  if (place === null) throw invalid('its host and port are not understood');
  set('host', place[1]?.replace(/^\[|\]$/g, ''));
  set('port', place[2]);
  set('dbname', database);
  for (const [name, value] of parametersOf(query)) found[name] = value;
  return found;
}

function sslMode(given: string | undefined): SslMode {
  const mode = given ?? 'verify-full';
  if (mode === 'allow' || mode === 'prefer') {
    throw invalid(
      `sslmode=${mode} would fall back to plain text; use verify-full, verify-ca, require or disable`,
    );
  }
  if (mode !== 'disable' && mode !== 'require' && mode !== 'verify-ca' && mode !== 'verify-full') {
    throw invalid('its sslmode is none of disable, require, verify-ca, verify-full');
  }
  return mode;
}

function tlsOptions(mode: SslMode, given: Record<string, string>, host: string): tls.ConnectionOptions {
  const root = given['sslrootcert'];
  // libpq: require with a root certificate means verify-ca.
  const verify = mode !== 'require' || root !== undefined;
  return {
    rejectUnauthorized: verify,
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(verify
      ? { ca: root === undefined || root === 'system' ? knownAuthorities() : file('sslrootcert', root) }
      : {}),
    ...(given['sslcert'] === undefined ? {} : { cert: file('sslcert', given['sslcert']) }),
    ...(given['sslkey'] === undefined ? {} : { key: file('sslkey', given['sslkey']) }),
    ...(given['sslpassword'] === undefined ? {} : { passphrase: given['sslpassword'] }),
    host,
  };
}
