/** MySQL and MariaDB behind the commands' seam: their source and watch, checks, plan of setup, binlog. */
import { systemClock } from '../../base/clock.ts';
import { compilePolicy } from '../../change/policy/policy.ts';
import type { MysqlSourceConfig, TrailConfig } from '../../config/schema.ts';
import { createMysqlSource, type MysqlSource } from '../../source/mysql/source.ts';
import { remedyOf } from '../../source/mysql/watch/settings.ts';
import { createWatch } from '../../source/mysql/watch/watch.ts';
import { announced } from '../common/announced.ts';
import type { Capture, CaptureSetting, Engine, Environment } from '../common/engine.ts';
import { diagnoseMysql } from './doctor.ts';
import { openMysqlSetup } from './setup.ts';
import { askBinlog } from './status.ts';
import { mysqlPassword, mysqlTarget } from './target.ts';

export function mysqlEngine(
  source: MysqlSourceConfig,
  tables: TrailConfig['tables'],
  env: Environment,
): Engine {
  return {
    serverSide: 'binlog',
    capture: (setting) => capture(source, tables, setting, env),
    diagnose: () => diagnoseMysql(source, tables, env),
    openSetup: (adminUrlFile) => openMysqlSetup(source, tables, env, adminUrlFile),
    askServer: () => askBinlog(mysqlTarget(source, env)),
  };
}

/** A server learns that a daemon died when it fails to send it something: the second heartbeat at the latest. */
const PATIENCE_HEARTBEATS = 3;
const LEAST_PATIENCE_MS = 60_000;

function capture(
  config: MysqlSourceConfig,
  tables: TrailConfig['tables'],
  { policy, log, file, overflow, watchMs }: CaptureSetting,
  env: Environment,
): Capture {
  const password = mysqlPassword(config, env);
  // One for all connections: what changed while we were away is told too.
  const matches = (schema: string, table: string, foldsNames: boolean) =>
    policy.table({ schema, table, ancestors: [], foldsNames }) !== null;
  const triggered = compilePolicy({
    tables: tables.map(({ match, exclude, context_trigger }) => ({
      match,
      exclude: exclude || !context_trigger,
    })),
  });
  const wantsTrigger = (schema: string, table: string, foldsNames: boolean) =>
    triggered.table({ schema, table, ancestors: [], foldsNames }) !== null;
  const watch = announced(
    createWatch({ clock: systemClock.now, covers: matches, wantsTrigger, policy }),
    log,
  );
  let source: MysqlSource | null = null;
  return {
    patienceMs: Math.max(LEAST_PATIENCE_MS, PATIENCE_HEARTBEATS * config.heartbeat),
    connect() {
      source = createMysqlSource({
        url: config.url,
        ...(password === undefined ? {} : { password }),
        flavor: config.type,
        serverId: config.server_id,
        heartbeatMs: config.heartbeat,
        matches,
        watch,
        ...(overflow === undefined ? {} : { overflow }),
        ...(watchMs === undefined ? {} : { watchMs }),
        log,
        clock: systemClock.now,
      });
      return source;
    },
    problems: () => (source?.health() ?? []).map((problem) => `${problem.text} → ${remedyOf(problem, file)}`),
  };
}
