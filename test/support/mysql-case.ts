/**
 * One case of the truth and crash tests on MySQL or MariaDB: a server with the workload's schema and the shadow log, a
 * trail's configuration, and the verdict at the end: the trail equals the shadow log, and verify is clean.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { MysqlFlavor, MysqlVersion } from '../../src/embedded/mysql-packages.ts';
import { createTrailConfig, rowseal, type TrailConfig, type TrailConfigOptions } from './daemon.ts';
import { ExactNumber, type ExactObject } from './exact-json.ts';
import { type TestMysql, testMysql } from './mysql.ts';
import { type Counts, replayProblems } from './mysql-replay.ts';
import { identifier, installShadow, readShadow, type Shadow } from './mysql-shadow.ts';
import { MYSQL_ALTERATIONS } from './mysql-shadow-blind.ts';
import { renderMysql } from './mysql-shadow-values.ts';
import {
  ACTOR_RULES,
  type Catalogue,
  DATABASE,
  installSchema,
  MAX_VALUE_BYTES,
  PASSWORD,
  TABLE_RULES,
} from './mysql-workload-schema.ts';
import { until } from './patience.ts';
import { blindSpots, unfit } from './shadow-blind.ts';
import { type Comparison, compareWithShadow, type EngineOracle } from './shadow-compare.ts';
import { readTrail } from './trail-reader.ts';

export interface MysqlCase extends AsyncDisposable {
  readonly server: TestMysql;
  readonly config: TrailConfig;
  readonly options: TrailConfigOptions;
  readonly catalogue: Catalogue;
  readonly shadow: Shadow;
  /** What is committed from now on is the trail's: its daemon is connected, for the first time. */
  begin(): Promise<void>;
  /** Rolls back what a client that was cut off between XA PREPARE and XA COMMIT left. */
  forgetPrepared(): Promise<void>;
  /** Resolves when the newest seal covers everything that is committed now. */
  caughtUp(idleMs?: number): Promise<void>;
  verdict(options?: {
    readonly strict?: boolean;
    readonly ignored?: readonly string[];
  }): Promise<MysqlVerdict>;
}

export interface MysqlVerdict extends Comparison {
  /** What verify says where it isn't clean. */
  readonly verify: string | null;
  /** Alterations of the trail that the comparison would not have seen: must be empty. */
  readonly blind: readonly string[];
  /** Alterations that this trail gave no occasion for. */
  readonly unfit: readonly string[];
  /** Seals that end inside a transaction. */
  readonly partials: number;
  /** Gap and tamper records: the workload does nothing that should make one. */
  readonly told: readonly string[];
}

export interface CaseOptions {
  readonly flavor: MysqlFlavor;
  readonly version?: MysqlVersion;
  readonly seal?: object;
  readonly settings?: readonly string[];
  readonly store?: object;
}

export async function startCase(options: CaseOptions): Promise<MysqlCase> {
  const { flavor } = options;
  const server = await testMysql({
    flavor,
    own: true,
    ...(options.version === undefined ? {} : { version: options.version }),
    settings: ['max-binlog-size=4M', 'log-bin-trust-function-creators=ON', ...(options.settings ?? [])],
  });
  const admin = await server.session();
  const shadow = await installShadow(admin);
  const catalogue = await installSchema(admin, flavor, server.embedded?.version ?? '', shadow);
  const url = new URL(server.urlFor({ user: 'rowseal', password: PASSWORD }));
  url.searchParams.set('ssl-ca', server.caFile as string);
  const configOptions: TrailConfigOptions = {
    source: { type: flavor, url: url.href, server_id: 4242 },
    tables: TABLE_RULES,
    actors: ACTOR_RULES,
    maxValueBytes: MAX_VALUE_BYTES,
    ...(options.seal === undefined ? {} : { seal: options.seal }),
    ...(options.store === undefined ? {} : { store: options.store }),
  };
  const config = await createTrailConfig(configOptions);
  let began = '';

  return {
    server,
    config,
    options: configOptions,
    catalogue,
    shadow,
    begin: async () => {
      const client = await server.session();
      began = await executed(client, flavor);
      await client.end();
    },
    forgetPrepared: async () => {
      const client = await server.session();
      const [rows] = await client.query('XA RECOVER');
      for (const { data } of rows as { data: string }[]) await client.query(`XA ROLLBACK '${data}'`);
      await client.end();
    },
    caughtUp: (idleMs) => caughtUp(server, config.folder, idleMs),
    verdict: async ({ strict = true, ignored = [] } = {}) => {
      const client = await server.session();
      const shadowed = await readShadow(client, await binlogsOf(client, server.embedded?.data as string));
      const counts = await countsOf(client);
      await client.end();
      const label = config.name.slice(config.name.lastIndexOf('/') + 1);
      const trail = readTrail(config.folder);
      const compared = {
        trail,
        ignored,
        // What was committed before the trail began is not the trail's.
        shadow: shadowed.filter(({ xid }) => !includes(began, xid)),
        label,
        engine: oracleOf(flavor),
        policy: policyOf(config.hmacKey, ignored),
      };
      const shown = compareWithShadow(compared);
      const differences = [...shown.differences, ...replayProblems(trail.records, DATABASE, counts, ignored)];
      const comparison = { ...shown, differences };
      const blind = comparison.differences.length > 0 ? [] : blindSpots(compared, MYSQL_ALTERATIONS);
      const verified = await rowseal([
        'verify',
        config.folder,
        '--key',
        config.vkey,
        ...(strict ? ['--strict'] : []),
      ]);
      return {
        ...comparison,
        blind,
        unfit: unfit(trail.records, MYSQL_ALTERATIONS),
        told: trail.records
          .filter(({ tree }) => tree['kind'] === 'gap' || tree['kind'] === 'tamper')
          .map(({ line }) => line.slice(0, 400)),
        partials: trail.seals.filter(({ source }) => source.partial !== undefined).length,
        verify: verified.code === 0 ? null : `${verified.stdout}${verified.stderr}`,
      };
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the newest seal in the folder covers everything that is committed now. */
export async function caughtUp(server: TestMysql, folder: string, idleMs = 60_000): Promise<void> {
  const client = await server.session();
  const target = await executed(client, server.flavor);
  let through = '';
  const isThere = async () => {
    through = newestThrough(folder);
    return covers(client, server.flavor, through, target);
  };
  await until(isThere, idleMs, 100, () => `seals up to ${target}; the newest reaches ${through}`);
  await client.end();
}

/** What is committed by now, as positions of this server are written. */
async function executed(client: Connection, flavor: MysqlFlavor): Promise<string> {
  if (flavor === 'mysql') {
    const [modes] = await client.query('SELECT @@global.gtid_mode AS mode');
    if ((modes as { mode: string }[])[0]?.mode === 'OFF') {
      const [status] = await client.query('SHOW BINARY LOG STATUS');
      const { File, Position } = (status as { File: string; Position: string }[])[0] as {
        File: string;
        Position: string;
      };
      return `${File}:${Position}`;
    }
  }
  const [rows] = await client.query(
    `SELECT @@global.${flavor === 'mysql' ? 'gtid_executed' : 'gtid_binlog_pos'} AS position`,
  );
  return ((rows as { position: string }[])[0]?.position ?? '').replaceAll('\n', '');
}

async function covers(
  client: Connection,
  flavor: MysqlFlavor,
  through: string,
  target: string,
): Promise<boolean> {
  const [position = ''] = through.split(';');
  const place = placeOf(target);
  if (place !== null) return compare(placeOf(position) ?? { file: 0, position: 0 }, place) >= 0;
  if (flavor === 'mariadb') {
    const reached = new Map(
      position.split(',').map((one) => [one.split('-')[0], BigInt(one.split('-')[2] ?? 0)]),
    );
    return target.split(',').every((one) => {
      const [domain, , number] = one.split('-');
      return (reached.get(domain) ?? 0n) >= BigInt(number ?? 0);
    });
  }
  if (!position.includes(':')) return false;
  const [rows] = await client.query('SELECT GTID_SUBSET(?, ?) AS there', [target, position]);
  return (rows as { there: string }[])[0]?.there === '1';
}

function placeOf(text: string): Place | null {
  const found = /^[a-z]+\.(\d+):(\d+)$/.exec(text);
  return found === null ? null : { file: Number(found[1]), position: Number(found[2]) };
}

interface Place {
  readonly file: number;
  readonly position: number;
}

function compare(one: Place, other: Place): number {
  return one.file - other.file || one.position - other.position;
}

/** Whether a position includes a transaction. */
function includes(position: string, gtid: string): boolean {
  const place = placeOf(gtid);
  if (place !== null) return compare(placeOf(position) as Place, place) > 0;
  if (/^\d+-\d+-\d+$/.test(gtid)) {
    const [domain, , number] = gtid.split('-');
    const found = position.split(/[,;]/).find((one) => one.startsWith(`${domain}-`));
    return found !== undefined && BigInt(found.split('-')[2] ?? 0) >= BigInt(number ?? 0);
  }
  const [uuid = '', ...rest] = gtid.split(':');
  const number = Number(rest.pop());
  const tag = rest[0] ?? '';
  for (const set of position.split(',')) {
    let at = '';
    const [server, ...parts] = set.trim().split(':');
    for (const part of parts) {
      if (!/^\d/.test(part)) at = part;
      else if (server === uuid && at === tag) {
        const [from = 0, to = from] = part.split('-').map(Number);
        if (number >= from && number <= to) return true;
      }
    }
  }
  return false;
}

function newestThrough(folder: string): string {
  try {
    const name = readdirSync(join(folder, 'seals'))
      .filter((each) => /^\d{12}$/.test(each))
      .sort()
      .at(-1);
    if (name === undefined) return '';
    const seal = JSON.parse(readFileSync(join(folder, 'seals', name), 'utf8').split('\n')[1] as string);
    return seal.source.through as string;
  } catch {
    return '';
  }
}

async function binlogsOf(client: Connection, data: string): Promise<string[]> {
  const [rows] = await client.query('SHOW BINARY LOGS');
  return (rows as { Log_name: string }[]).map(({ Log_name }) => join(data, Log_name));
}

/** How many rows each table of the workload has. */
async function countsOf(client: Connection): Promise<Counts> {
  const counts = new Map<string, number>();
  const [tables] = await client.query(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'`,
    [DATABASE],
  );
  for (const { name } of tables as { name: string }[]) {
    const [rows] = await client.query(
      `SELECT COUNT(*) AS count FROM ${identifier(DATABASE)}.${identifier(name)}`,
    );
    counts.set(name, Number((rows as { count: string }[])[0]?.count));
  }
  return counts;
}

function oracleOf(flavor: MysqlFlavor): EngineOracle {
  return {
    render: renderMysql(flavor),
    isSent: () => true,
    connection: ({ login, pid }, { tier, via }, actual) => {
      const all: ExactObject = { user: login, pid: new ExactNumber(String(pid)) };
      const spoken = via === 'trigger' || via === 'setting' || via === 'message';
      if (tier !== 'none' && spoken) return all;
      // What the server was asked, or was not: what stands there must be right.
      return Object.fromEntries(Object.entries(all).filter(([name]) => actual?.[name] !== undefined));
    },
  };
}

/** The configuration's table rules by the tests' own reading. */
function policyOf(hmacKey: Buffer, ignored: readonly string[]) {
  return (schema: string, table: string) => {
    if (schema !== DATABASE || ignored.includes(table)) return null;
    const redacted = table === 'secret' ? TABLE_RULES[1].columns : {};
    const redactions = { columns: redacted, hmacKey, hmacKeyId: 'k1', maxValueBytes: MAX_VALUE_BYTES };
    return { class: table === 'secret' ? 'financial' : 'default', redactions };
  };
}
