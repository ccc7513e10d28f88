/** Postgres behind the commands' seam: its source and watch, its checks, its plan of setup, its slot. */
import { systemClock } from '../../base/clock.ts';
import type { PostgresSourceConfig, TrailConfig } from '../../config/schema.ts';
import { createPostgresSource, type PostgresSource } from '../../source/postgres/source.ts';
import { type Matches, remedyOf } from '../../source/postgres/watch/capture.ts';
import { createWatch } from '../../source/postgres/watch/watch.ts';
import { announced } from '../common/announced.ts';
import type { Capture, CaptureSetting, Engine, Environment } from '../common/engine.ts';
import { diagnosePostgres } from './doctor.ts';
import { openPostgresSetup } from './setup.ts';
import { askSlot } from './status.ts';
import { postgresTarget, sourcePassword } from './target.ts';

export function postgresEngine(
  source: PostgresSourceConfig,
  tables: TrailConfig['tables'],
  env: Environment,
): Engine {
  return {
    serverSide: 'slot',
    capture: (setting) => capture(source, setting, env),
    diagnose: () => diagnosePostgres(source, tables, env),
    openSetup: (adminUrlFile) => openPostgresSetup(source, tables, env, adminUrlFile),
    askServer: () => askSlot(postgresTarget(source, env), source.slot),
  };
}

/** Longer than wal_sender_timeout's default, after which the server ends what is dead. */
const PATIENCE_MS = 90_000;

function capture(
  config: PostgresSourceConfig,
  { policy, file, log, watchMs }: CaptureSetting,
  env: Environment,
): Capture {
  const { url, slot, publication, failover, heartbeat } = config;
  const password = sourcePassword(config, env);
  const matches: Matches = (schema, table, ancestors) => policy.table({ schema, table, ancestors }) !== null;
  // One for all connections: what changed while we were away is told too.
  const watch = announced(createWatch({ slot, publication, matches, policy }), log);
  let source: PostgresSource | null = null;
  return {
    patienceMs: PATIENCE_MS,
    connect() {
      source = createPostgresSource({
        url,
        ...(password === undefined ? {} : { password }),
        slot,
        publication,
        failover,
        heartbeatMs: heartbeat,
        matches,
        watch,
        ...(watchMs === undefined ? {} : { watchMs }),
        log,
        clock: systemClock.now,
      });
      return source;
    },
    problems: () =>
      (source?.health() ?? []).map((problem) => {
        const remedy = remedyOf(problem, file);
        return remedy === null ? problem.text : `${problem.text} → ${remedy}`;
      }),
  };
}
