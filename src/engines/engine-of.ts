/** Which engine a trail's source is. */
import type { TrailConfig } from '../config/schema.ts';
import type { Engine, Environment } from './common/engine.ts';
import { mysqlEngine } from './mysql/engine.ts';
import { postgresEngine } from './postgres/engine.ts';

/** Reads the files that the source names (a password, certificates). Throws `config_invalid`. */
export function engineOf(trail: TrailConfig, env: Environment): Engine {
  const { source, tables } = trail;
  switch (source.type) {
    case 'postgres':
      return postgresEngine(source, tables, env);
    case 'mysql':
    case 'mariadb':
      return mysqlEngine(source, tables, env);
    default:
      return source satisfies never;
  }
}
