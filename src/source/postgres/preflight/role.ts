/**
 * The role that the daemon logs in as: what it needs, what it has beyond that, and until when. Pure. What is more than
 * it needs is a warning: it harms only once somebody has taken over the daemon.
 */
import { type Check, check } from '../../preflight.ts';
import { quoteIdentifier } from '../sql/quote.ts';
import type { KitFacts, RoleFacts } from './facts.ts';

export function roleChecks(
  role: RoleFacts | null,
  kit: KitFacts | null,
  database: string,
  name: string,
): Check[] {
  if (role === null)
    return [
      check('login', 'role.exists', 'fail', `no role ${name}`, {
        why: 'the daemon logs in as it',
        fix: 'rowseal setup -c FILE   # or sql/postgres/02-capture-role.sql',
      }),
    ];
  return [
    replicates(role, name),
    isSuperuser(role, name),
    connects(role, database, name),
    ...(role.superuser ? [] : [reads(role, name)]),
    ...(role.validForSeconds === null ? [] : [isValid(role.validForSeconds, name)]),
    ...(kit === null ? [] : [beats(role, name)]),
  ];
}

function replicates({ login, replication, superuser }: RoleFacts, name: string): Check {
  const may = login && (replication || superuser);
  return check(
    'login',
    'role.replication',
    may ? 'ok' : 'fail',
    `${name} ${may ? 'may' : 'may not'} log in and replicate`,
    {
      why: 'streaming from a slot needs both',
      fix: `ALTER ROLE ${quoteIdentifier(name)} LOGIN REPLICATION;`,
    },
  );
}

function isSuperuser({ superuser }: RoleFacts, name: string): Check {
  return check(
    'login',
    'role.superuser',
    superuser ? 'warn' : 'ok',
    `${name} is ${superuser ? 'a' : 'no'} superuser`,
    {
      why: 'whoever takes over the daemon then owns the cluster; it needs no more than REPLICATION',
      fix: 'Name a role of its own in source.url, then: rowseal setup -c FILE',
    },
  );
}

function connects(role: RoleFacts, database: string, name: string): Check {
  return check(
    'login',
    'role.connect',
    role.connects ? 'ok' : 'fail',
    `${name} ${role.connects ? 'may' : 'may not'} connect to ${database}`,
    {
      why: 'a slot is read from inside its database',
      fix: `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(name)};`,
    },
  );
}

function reads({ readable }: RoleFacts, name: string): Check {
  return check('login', 'role.reads', readable === 0 ? 'ok' : 'warn', `${name} may read ${readable} tables`, {
    why: 'it needs none: changes come out of the WAL',
    fix: `REVOKE SELECT ON ALL TABLES IN SCHEMA … FROM ${quoteIdentifier(name)}; -- or from the role, or PUBLIC, that it has it through`,
  });
}

function isValid(seconds: number, name: string): Check {
  return check(
    'login',
    'role.valid',
    seconds < 0 ? 'fail' : seconds < 30 * 86_400 ? 'warn' : 'ok',
    `its password ends in ${Math.round(seconds / 86_400)} days`,
    {
      why: 'capture stops then',
      fix: `ALTER ROLE ${quoteIdentifier(name)} VALID UNTIL 'infinity';`,
    },
  );
}

function beats({ heartbeat }: RoleFacts, name: string): Check {
  return check(
    'kit',
    'kit.heartbeat',
    heartbeat ? 'ok' : 'fail',
    `${name} ${heartbeat ? 'may' : 'may not'} call rowseal.heartbeat()`,
    {
      why: 'on an idle database nothing else moves the slot on',
      fix: `GRANT EXECUTE ON FUNCTION rowseal.heartbeat() TO ${quoteIdentifier(name)};`,
    },
  );
}
