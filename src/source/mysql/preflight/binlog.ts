/** What the binlog must hold, and for how long. Settings that a session may lower are watched again while running. Pure. */
import { type Check, check } from '../../preflight.ts';
import { type PreflightFacts, writesBinlog } from './facts.ts';
import { namedSchemas, type PreflightWish } from './wish.ts';

export function binlogChecks(facts: PreflightFacts, wish: PreflightWish): Check[] {
  return [
    logCheck(facts),
    ...contentChecks(facts),
    ...gtidChecks(facts),
    ...retentionChecks(facts, wish),
    ...filterChecks(facts, wish),
  ];
}

export const LOG_BIN_FIX = 'my.cnf: log_bin = binlog, and no skip_log_bin  # then restart the server';

function logCheck({ server }: PreflightFacts): Check {
  const writes = writesBinlog(server);
  return check(
    'binlog',
    'binlog.log_bin',
    writes ? 'ok' : 'fail',
    writes ? 'log_bin = ON' : 'the server writes no binary log',
    { why: 'changes are read from it: without it there is nothing to capture', fix: LOG_BIN_FIX },
  );
}

/** How a global variable is set for good: MariaDB has no SET PERSIST. */
function setting({ server }: PreflightFacts, name: string, value: string | number): string {
  const literal = typeof value === 'number' ? value : `'${value}'`;
  return server.flavor === 'mysql'
    ? `SET PERSIST ${name} = ${literal};`
    : `SET GLOBAL ${name} = ${literal}; -- and in my.cnf: ${name} = ${value}`;
}

function contentChecks(facts: PreflightFacts): Check[] {
  const { settings, flavor } = facts.server;
  const comments = flavor === 'mysql' ? 'binlog_rows_query_log_events' : 'binlog_annotate_row_events';
  const must = (
    name: string,
    value: string,
    bad: 'warn' | 'fail',
    why: string,
    values = [value],
  ): Check[] => {
    const is = settings[name];
    if (is === undefined) return []; // this server has no choice
    const id = `binlog.${name.replace(/^binlog_/, '')}`;
    return [
      check('binlog', id, values.includes(is) ? 'ok' : bad, `${name} = ${is === '' ? "''" : is}`, {
        why,
        fix: setting(facts, name, value),
      }),
    ];
  };
  return [
    ...must(
      'binlog_format',
      'ROW',
      'fail',
      'a change that is logged as its statement has no rows: the trail has a gap in its place. Sessions keep the value that they began with: restart the applications',
    ),
    ...must(
      'binlog_row_metadata',
      'FULL',
      'fail',
      'without column names, signs and character sets a row cannot be told: the trail has a gap in its place',
    ),
    ...must(
      'binlog_row_image',
      'FULL',
      'fail',
      'columns that did not change, and old values, are missing from the records (image: changed). A privileged session can still lower it',
    ),
    ...must(
      comments,
      'ON',
      'warn',
      "statements' sqlcommenter comments are not seen; costs the statement's text in the binlog (none of it reaches the trail)",
      ['ON', '1'],
    ),
    ...must('binlog_checksum', 'CRC32', 'warn', 'a damaged event is not noticed'),
  ];
}

function gtidChecks(facts: PreflightFacts): Check[] {
  const { flavor, gtids, settings } = facts.server;
  if (flavor === 'mysql')
    return [
      check('binlog', 'binlog.gtid', gtids ? 'ok' : 'warn', `gtid_mode = ${settings['gtid_mode'] ?? 'OFF'}`, {
        why: 'positions are places in files then: the trail cannot go on at a replica after a failover',
        fix: "SET PERSIST enforce_gtid_consistency = 'ON'; SET PERSIST gtid_mode = 'OFF_PERMISSIVE'; SET PERSIST gtid_mode = 'ON_PERMISSIVE'; SET PERSIST gtid_mode = 'ON'; -- before the trail begins",
      }),
    ];
  const strict = settings['gtid_strict_mode'];
  return [
    check('binlog', 'binlog.gtid', strict === 'ON' ? 'ok' : 'warn', `gtid_strict_mode = ${strict ?? 'OFF'}`, {
      why: 'replicas may then number transactions out of order, and after a failover nobody can tell what is missing',
      fix: setting(facts, 'gtid_strict_mode', 'ON'),
    }),
  ];
}

const DAY = 86_400;

/** Seconds to keep binlogs for: four times the longest outage, for somebody has to notice it and mend it; 7 d at least. */
export function proposedSeconds(longestOutageMs: number): number {
  return Math.max(7 * DAY, Math.ceil((4 * longestOutageMs) / 1000));
}

function retentionChecks(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const { server, binlogs, variables } = facts;
  const { settings, flavor } = server;
  const kept = keptSeconds(settings);
  const needed = Math.ceil(wish.longestOutageMs / 1000);
  const proposed = proposedSeconds(wish.longestOutageMs);
  const renamed = settings['binlog_expire_logs_seconds'] !== undefined;
  const purges = settings['binlog_expire_logs_auto_purge'] !== 'OFF' && kept > 0;
  const fix = renamed
    ? setting(facts, 'binlog_expire_logs_seconds', proposed)
    : setting(facts, 'expire_logs_days', Math.ceil(proposed / DAY));
  const rule = `at least 7 days, or four times longest_outage where that is more: ${spell(proposed)}`;
  const checks = [
    check(
      'binlog',
      'binlog.retention',
      !purges || kept >= proposed ? 'ok' : kept >= needed ? 'warn' : 'fail',
      purges
        ? `binlogs are kept for ${spell(kept)}; longest_outage is ${spell(needed)}`
        : 'binlogs are never removed by age',
      {
        why: `the server removes them whether or not they are sealed: after a longer outage the trail has a gap. Keep them for ${rule}`,
        fix,
      },
    ),
  ];
  if (!purges)
    checks.push(
      check('binlog', 'binlog.disk', 'warn', 'nothing bounds the room that binlogs take', {
        why: `unless somebody purges them, the disk fills up (whoever does must look at rowseal status first). Keep them for ${rule}`,
        fix:
          settings['binlog_expire_logs_auto_purge'] === 'OFF' && kept >= proposed
            ? setting(facts, 'binlog_expire_logs_auto_purge', 'ON')
            : fix,
      }),
    );
  const most = Number(variables['max_binlog_total_size'] ?? 0);
  if (flavor === 'mariadb' && most > 0)
    checks.push(
      check('binlog', 'binlog.total_size', 'warn', `max_binlog_total_size = ${most}`, {
        why: 'binlogs are also removed by size, however young: under load that may be within the longest outage',
        fix: setting(facts, 'max_binlog_total_size', 0),
      }),
    );
  if (!writesBinlog(server)) return checks;
  checks.push(
    binlogs === null
      ? check('binlog', 'binlog.visible', 'fail', `${wish.user} may not see the binlogs`, {
          why: 'whether they still hold what comes behind the trail cannot be told in time',
          fix: `GRANT ${flavor === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR'} ON *.* TO … -- or: rowseal setup -c FILE`,
        })
      : check(
          'binlog',
          'binlog.visible',
          'ok',
          `${binlogs.length} ${binlogs.length === 1 ? 'binlog' : 'binlogs'}, ${binlogs.reduce((sum, { size }) => sum + size, 0)} bytes`,
        ),
  );
  return checks;
}

/** 0: for ever. MariaDB's older variable counts days, and takes fractions. */
export function keptSeconds(settings: Readonly<Record<string, string>>): number {
  const seconds = Number(settings['binlog_expire_logs_seconds'] ?? 0);
  return seconds > 0 ? seconds : Number(settings['expire_logs_days'] ?? 0) * DAY;
}

function spell(seconds: number): string {
  return seconds % DAY === 0 ? `${seconds / DAY} d` : `${(seconds / 3600).toFixed(1)} h`;
}

function filterChecks({ filters }: PreflightFacts, { tables }: PreflightWish): Check[] {
  if (filters === null) return [];
  const schemas = namedSchemas(tables);
  return [
    check(
      'binlog',
      'binlog.filters',
      filters === '' ? 'ok' : 'fail',
      filters === '' ? 'no schema is left out' : `binlog_do_db or binlog_ignore_db is set: ${filters}`,
      {
        why: `what is left out of the binlog is left out of the trail${schemas === null ? '' : ` (asked for: ${schemas.join(', ')}, and rowseal)`}`,
        fix: 'my.cnf: remove binlog_do_db and binlog_ignore_db  # then restart the server',
      },
    ),
  ];
}
