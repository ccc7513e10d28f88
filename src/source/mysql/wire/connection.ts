/**
 * A URL such as `mysql://capture@db.example.com:3306/?ssl-ca=/etc/ca.pem` becomes options of the `mysql2` driver.
 * Parameters are named as the mysql client names its options. TLS is verified by default: there is no mode that
 * falls back to plain text, and without TLS the password never goes to a key that a stranger handed us. The password
 * never shows in an error.
 */
import net from 'node:net';
import mysql, { type AuthPlugin, type ConnectionOptions } from 'mysql2';
import { oneBuffer } from '../../socket.ts';
import { knownAuthorities, urlParts } from '../../url-parts.ts';

const { decode, file, integer, invalid, parameters: parametersOf } = urlParts('MySQL');

export type SslMode = 'DISABLED' | 'REQUIRED' | 'VERIFY_CA' | 'VERIFY_IDENTITY';

export interface ConnectionTarget {
  /** The socket's path where `isSocket`. */
  readonly host: string;
  readonly port: number;
  readonly isSocket: boolean;
  readonly user: string;
  readonly sslMode: SslMode;
  /** For mysql2's `createConnection`; holds the password. */
  readonly config: ConnectionOptions;
}

const PARAMETERS = new Set([
  'connect-timeout',
  'program-name',
  'server-public-key-path',
  'socket',
  'ssl-ca',
  'ssl-cert',
  'ssl-key',
  'ssl-mode',
]);

/**
 * Throws `config_invalid`. `password` overrides the URL's. Files are read here and now. A database in the URL is
 * taken and not used: a binlog is the whole server's.
 */
export function parseMysqlUrl(url: string, password?: string): ConnectionTarget {
  const { host: named, port, user, password: inUrl, parameters } = parseUri(url);
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.has(name)) throw invalid(`the parameter ${name} is not supported`);
  }
  if (user === '') throw invalid('it names no user');
  const socket = parameters['socket'];
  const host = socket ?? (named || 'localhost');
  if (host.includes(',')) throw invalid('several hosts are not supported: name the one to audit');
  const isSocket = host.startsWith('/');
  const sslMode = isSocket && parameters['ssl-mode'] === undefined ? 'DISABLED' : modeOf(parameters);
  const target = { host, port, isSocket, user, sslMode };
  const config: ConnectionOptions = {
    ...(isSocket ? { socketPath: host } : { host, port, stream: () => dial(host, port) }),
    user,
    password: password ?? inUrl,
    ...(sslMode === 'DISABLED' ? {} : { ssl: tlsOptions(sslMode, parameters) }),
    ...(sslMode === 'DISABLED' && !isSocket ? { authPlugins: cautiousPlugins(parameters) } : {}),
    // mysql2 would offer to read files of ours for the server.
    flags: ['-LOCAL_FILES'],
    charset: 'utf8mb4',
    connectTimeout: (integer(parameters, 'connect-timeout') ?? 10) * 1000,
    connectAttributes: { program_name: parameters['program-name'] ?? 'rowseal' },
    multipleStatements: false,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  };
  return { ...target, config };
}

/**
 * Without a `servername` (there is none for IP addresses), Node checks a certificate against the socket's `_host`,
 * and against `localhost` where that is missing, as it is when an address was dialled.
 */
function dial(host: string, port: number): net.Socket {
  const socket: net.Socket = net.connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    onread: oneBuffer(() => socket),
  });
  return Object.assign(socket, { _host: host });
}

function parseUri(url: string) {
  const parts = /^(?:mysql|mariadb):\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/[^?#]*)?(?:\?([^#]*))?$/.exec(url);
  if (parts === null) throw invalid('it is not of the form mysql://user@host:port/?ssl-mode=…');
  const [, login = '', authority = '', query] = parts;
  const colon = login.indexOf(':');
  const place = /^(\[[^\]]*\]|[^:]*)(?::(\d{0,5}))?$/.exec(authority);
  if (place === null) throw invalid('its host and port are not understood');
  const parameters: Record<string, string> = {};
  for (const [name, value] of parametersOf(query)) {
    // The mysql client takes dashes and underscores in the names of options for the same.
    parameters[name.toLowerCase().replaceAll('_', '-')] = value;
  }
  return {
    user: decode(colon < 0 ? login : login.slice(0, colon)),
    password: colon < 0 ? '' : decode(login.slice(colon + 1)),
    host: decode((place[1] ?? '').replace(/^\[|\]$/g, '')),
    port: Number(place[2] || 3306),
    parameters,
  };
}

function modeOf(parameters: Record<string, string>): SslMode {
  const mode = (parameters['ssl-mode'] ?? 'VERIFY_IDENTITY').toUpperCase();
  if (mode === 'PREFERRED') {
    throw invalid(
      'ssl-mode=PREFERRED would fall back to plain text; use VERIFY_IDENTITY, VERIFY_CA, REQUIRED or DISABLED',
    );
  }
  if (mode !== 'DISABLED' && mode !== 'REQUIRED' && mode !== 'VERIFY_CA' && mode !== 'VERIFY_IDENTITY') {
    throw invalid('its ssl-mode is none of DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY');
  }
  return mode;
}

function tlsOptions(
  mode: SslMode,
  parameters: Record<string, string>,
): Exclude<ConnectionOptions['ssl'], string | undefined> {
  const { 'ssl-ca': ca, 'ssl-cert': cert, 'ssl-key': key } = parameters;
  const verify = mode !== 'REQUIRED';
  return {
    rejectUnauthorized: verify,
    verifyIdentity: mode === 'VERIFY_IDENTITY',
    minVersion: 'TLSv1.2',
    ...(verify ? { ca: ca === undefined ? knownAuthorities() : file('ssl-ca', ca) } : {}),
    ...(cert === undefined ? {} : { cert: file('ssl-cert', cert) }),
    ...(key === undefined ? {} : { key: file('ssl-key', key) }),
  };
}

/**
 * Over plain text, caching_sha2_password and sha256_password encrypt the password with a key that the server sends
 * when it is asked to: whoever sits in between sends his own. So the key must be known beforehand, as a file.
 */
function cautiousPlugins(parameters: Record<string, string>): Record<string, AuthPlugin> {
  const path = parameters['server-public-key-path'];
  const serverPublicKey = path === undefined ? undefined : file('server-public-key-path', path);
  const cautious = (inner: AuthPlugin, askForKey: number): AuthPlugin => {
    return (metadata) => {
      const plugin = inner(metadata);
      return (data) => {
        const answer = plugin(data);
        const asks = Buffer.isBuffer(answer) && answer.length === 1 && answer[0] === askForKey;
        if (asks && serverPublicKey === undefined) throw new Error(NO_KEY);
        return answer;
      };
    };
  };
  const key = serverPublicKey === undefined ? {} : { serverPublicKey: serverPublicKey.toString() };
  return {
    // What asks for the key: request_public_key, 0x02 and 0x01 (MySQL internals: "Caching SHA-2 / SHA-256").
    caching_sha2_password: cautious(mysql.authPlugins.caching_sha2_password(key), 2),
    sha256_password: cautious(mysql.authPlugins.sha256_password(key), 1),
  };
}

const NO_KEY =
  'without TLS the server asks for the password under a key that it sends itself; use TLS, or name the key with server-public-key-path';
