/** What the server as a whole must be: version, clocks, who may hide from its log, whose number we take. Pure. */
import { type Check, check, shorten } from '../../preflight.ts';
import type { PreflightFacts } from './facts.ts';
import type { PreflightWish } from './wish.ts';

export function serverChecks(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const { server, skewMs, variables } = facts;
  const skew = Math.abs(skewMs);
  const zone = variables['time_zone'] === 'SYSTEM' ? variables['system_time_zone'] : variables['time_zone'];
  return [
    versionCheck(facts, wish),
    serverIdCheck(facts, wish),
    replicaCheck(facts),
    check(
      'server',
      'server.clock',
      skew <= 5000 ? 'ok' : skew <= 300_000 ? 'warn' : 'fail',
      `its clock is ${skewMs} ms from ours`,
      {
        why: 'commit times come from its clock, sealing times from ours',
        fix: 'Set both clocks by NTP: timedatectl set-ntp true',
      },
    ),
    // TIMESTAMP columns are in UTC in the binlog, whatever the zone; DATETIME has none.
    check(
      'server',
      'server.time_zone',
      'ok',
      `its time zone is ${zone ?? 'unknown'}; TIMESTAMP is recorded in UTC`,
    ),
    check(
      'server',
      'server.performance_schema',
      server.performanceSchema ? 'ok' : 'warn',
      `performance_schema = ${server.performanceSchema ? 'ON' : 'OFF'}`,
      {
        why: 'the login and program_name behind a change are looked up there; without it the process list serves, which shows other accounts to PROCESS alone',
        fix: 'my.cnf: performance_schema = ON  # then restart the server; or context_trigger: true for the tables',
      },
    ),
    ...privilegedCheck(facts),
  ];
}

/** The newest series that was tried, as a number; beyond it nothing is known to be wrong. */
const NEWEST = { mysql: 90_999, mariadb: 119_999 } as const;

function versionCheck({ server }: PreflightFacts, wish: PreflightWish): Check {
  const { flavor, version, versionNumber } = server;
  const name = { mysql: 'MySQL', mariadb: 'MariaDB' }[flavor];

  if (flavor !== wish.flavor)
    return check(
      'server',
      'server.version',
      'fail',
      `${name} ${version}, but source.type is ${wish.flavor}`,
      {
        why: 'their binlogs differ',
        fix: `source: { type: ${flavor}, … }`,
      },
    );
  return check(
    'server',
    'server.version',
    versionNumber > NEWEST[flavor] ? 'warn' : 'ok',
    `${name} ${version}`,
    {
      why: 'newer than what this rowseal was tried with; an event that it does not know stops it',
      fix: 'Upgrade rowseal, or try it on a copy first.',
    },
  );
}

function serverIdCheck({ server, rival, sawAll }: PreflightFacts, wish: PreflightWish): Check {
  const same = server.serverId === wish.serverId;
  const taken = rival !== null && !rival.ours;
  // MariaDB shows its replicas to REPLICATION MASTER ADMIN alone, which may do more than look.
  const blind = rival === null && !sawAll && server.flavor === 'mariadb';
  const others = blind
    ? 'replicas are not shown'
    : rival === null
      ? 'free'
      : 'ours, and in use: a daemon streams';
  return check(
    'server',
    'server.id',
    same || taken ? 'fail' : 'ok',
    same
      ? `server_id ${wish.serverId} is the server's own`
      : taken
        ? `server_id ${wish.serverId} is taken by ${rival.text}`
        : `server_id ${wish.serverId}: ${others}; the server's is ${server.serverId}`,
    {
      why: 'the server ends the connection of one when another comes with the same number, again and again',
      fix: 'Give source.server_id a number that no server and no replica has.',
    },
  );
}

function replicaCheck({ isReplica, server, variables }: PreflightFacts): Check {
  const logs = server.settings['log_replica_updates'] ?? server.settings['log_slave_updates'];
  const readOnly = variables['read_only'] === 'ON' || variables['super_read_only'] === 'ON';
  if (isReplica === true && logs !== 'ON')
    return check('server', 'server.primary', 'fail', 'a replica that does not log what it applies', {
      why: 'its binlog lacks the changes of its source',
      fix: 'my.cnf: log_replica_updates = ON (MariaDB: log_slave_updates)  # then restart; or point source.url at the source',
    });
  if (isReplica === true || readOnly)
    return check('server', 'server.primary', 'warn', isReplica ? 'a replica' : 'read_only', {
      why: 'what is not replicated is not in its binlog, and setup has to be run on the source; logins are not found here, but in rows of rowseal.context',
      fix: 'Point source.url at the source, unless the replica is meant.',
    });
  return check(
    'server',
    'server.primary',
    'ok',
    isReplica === null ? 'takes writes; whether it is a replica as well may not be seen' : 'no replica',
  );
}

function privilegedCheck({ privileged }: PreflightFacts): Check[] {
  if (privileged === null) return [];
  return [
    check(
      'server',
      'server.sql_log_bin',
      privileged.length <= 1 ? 'ok' : 'warn',
      `${privileged.length} accounts may set sql_log_bin: ${shorten(privileged)}`,
      {
        why: 'what they change with sql_log_bin = 0 reaches no binlog, no replica and no trail, and leaves no hole that could be seen there',
        fix: 'REVOKE SUPER, SYSTEM_VARIABLES_ADMIN, SESSION_VARIABLES_ADMIN ON *.* FROM …; -- MariaDB: SUPER, BINLOG ADMIN; where it is not needed',
      },
    ),
  ];
}
