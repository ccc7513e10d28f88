/**
 * One case of the truth and crash tests: a server with the workload's schema and the shadow log, a trail's
 * configuration, and the verdict at the end: the trail equals the shadow log, and verify is clean.
 */

import type pg from 'pg';
import { createTrailConfig, rowseal, type TrailConfig } from './daemon.ts';
import { ExactNumber } from './exact-json.ts';
import { until } from './patience.ts';
import { type TestServer, testServer } from './postgres.ts';
import { createTruthSlot, installShadow, readShadow, readTypes } from './shadow.ts';
import { blindSpots, POSTGRES_ALTERATIONS } from './shadow-blind.ts';
import { type Comparison, compareWithShadow, type EngineOracle } from './shadow-compare.ts';
import { renderPostgres } from './shadow-values.ts';
import { readTrail } from './trail-reader.ts';
import {
  ACTOR_RULES,
  installSchema,
  MAX_VALUE_BYTES,
  PASSWORD,
  PUBLISHED,
  TABLE_RULES,
} from './workload-schema.ts';

export interface CaptureCase extends AsyncDisposable {
  readonly server: TestServer;
  readonly config: TrailConfig;
  readonly major: number;
  /** What the configuration was made of, for that of a second daemon. */
  readonly options: Parameters<typeof createTrailConfig>[0];
  /** A superuser's session on the database. */
  admin(): Promise<pg.Client>;
  /** Rolls back what a client that was cut off between PREPARE and COMMIT PREPARED left. */
  forgetPrepared(): Promise<void>;
  /** Resolves when the newest seal covers everything that is committed now. */
  caughtUp(idleMs?: number): Promise<void>;
  /** Differences between trail and shadow log, and what verify says where it isn't clean. */
  verdict(options?: VerdictOptions): Promise<
    Comparison & {
      readonly verify: string | null;
      /** Alterations of the trail that the comparison would not have seen: must be empty. */
      readonly blind: readonly string[];
      /** Seals that end inside a transaction; and of those, the first ones of a run: it went on inside of it. */
      readonly partials: number;
      readonly resumedInside: number;
    }
  >;
}

export interface VerdictOptions {
  /** Notices of verify count too; true by default. */
  readonly strict?: boolean;
  /** Where verify looks, instead of the configuration's folder. */
  readonly location?: string;
  readonly env?: Record<string, string>;
  /** Tables of schema public that aren't compared. */
  readonly ignored?: readonly string[];
}

export interface CaseOptions {
  readonly major: number;
  readonly seal?: object;
  readonly settings?: Readonly<Record<string, string>>;
  readonly store?: object;
}

export async function startCase(options: CaseOptions): Promise<CaptureCase> {
  const { major } = options;
  const server = await testServer({
    major,
    own: true,
    settings: { track_commit_timestamp: 'on', deadlock_timeout: '200ms', ...options.settings },
  });
  const admin = async () => server.session();
  const first = await admin();
  await installSchema(first, major);
  await installShadow(first, [...PUBLISHED, 'public.unpublished']);
  await createTruthSlot(first);
  await first.end();
  const configOptions = {
    url: server.urlFor({ user: 'rowseal', password: PASSWORD }),
    tables: TABLE_RULES,
    actors: ACTOR_RULES,
    maxValueBytes: MAX_VALUE_BYTES,
    ...(options.seal === undefined ? {} : { seal: options.seal }),
    ...(options.store === undefined ? {} : { store: options.store }),
  };
  const config = await createTrailConfig(configOptions);

  return {
    server,
    config,
    major,
    options: configOptions,
    admin,
    forgetPrepared: async () => {
      const client = await admin();
      const { rows } = await client.query('select gid from pg_prepared_xacts');
      for (const { gid } of rows) await client.query(`rollback prepared '${gid}'`);
      await client.end();
    },
    caughtUp: async (idleMs = 60_000) => {
      const client = await admin();
      const target = (await client.query('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn as string;
      const isThere = async () => {
        const { rows } = await client.query(
          "select confirmed_flush_lsn >= $1::pg_lsn as there from pg_replication_slots where slot_name = 'rowseal'",
          [target],
        );
        if (rows[0]?.there === true || rows[0]?.there === 't') return true;
        await client.query(
          "select pg_logical_emit_message(true, 'test', 'so that there is something to acknowledge')",
        );
        return false;
      };
      await until(isThere, idleMs, 100, `what is sealed up to ${target} to be acknowledged`);
      await client.end();
    },
    verdict: async ({
      strict = true,
      location = config.folder,
      env = {},
      ignored = [],
    }: VerdictOptions = {}) => {
      const client = await admin();
      const shadow = await readShadow(client);
      const types = await readTypes(client);
      await client.end();
      const label = config.name.slice(config.name.lastIndexOf('/') + 1);
      const trail = readTrail(config.folder);
      const compared = {
        trail,
        ignored,
        shadow,
        engine: oracleOf(major, types),
        label,
        policy: policyOf(config.hmacKey, ignored),
      };
      const comparison = compareWithShadow(compared);
      const blind = comparison.differences.length > 0 ? [] : blindSpots(compared, POSTGRES_ALTERATIONS);
      const verified = await rowseal(
        ['verify', location, '--key', config.vkey, ...(strict ? ['--strict'] : [])],
        env,
      );
      const cut = trail.seals.filter(({ source }) => source.partial !== undefined);
      return {
        ...comparison,
        blind,
        partials: cut.length,
        resumedInside: cut.filter(({ reason }) => reason === 'start').length,
        verify: verified.code === 0 ? null : `${verified.stdout}${verified.stderr}`,
      };
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}

function oracleOf(major: number, types: Awaited<ReturnType<typeof readTypes>>): EngineOracle {
  return {
    render: renderPostgres(types),
    isSent: (generated) => generated === '' || (generated === 's' && major >= 18),
    connection: ({ login, application, pid }, { tier }) => {
      if (tier === 'none') return null;
      return { user: login, application, address: '127.0.0.1', pid: new ExactNumber(String(pid)) };
    },
  };
}

/** The configuration's table rules by the tests' own reading: the last match wins, and all are `public.*`. */
function policyOf(hmacKey: Buffer, ignored: readonly string[]) {
  return (schema: string, table: string) => {
    if (schema !== 'public' || ignored.includes(table)) return null;
    const redacted =
      table === 'secret' ? (TABLE_RULES[2].columns as Record<string, 'mask' | 'hmac' | 'drop'>) : {};
    const className = table === 'secret' ? 'financial' : table === 'part_low' ? 'regional' : 'default';
    const redactions = { columns: redacted, hmacKey, hmacKeyId: 'k1', maxValueBytes: MAX_VALUE_BYTES };
    return { class: className, redactions };
  };
}
