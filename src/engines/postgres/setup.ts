/** setup on a Postgres database: facts as the admin, a plan from them, its steps in one session. */
import { Client } from 'pg';
import { RowsealError } from '../../base/errors.ts';
import type { PostgresSourceConfig, TrailConfig } from '../../config/schema.ts';
import { fitsVerifier, scramVerifier } from '../../source/postgres/kit/scram.ts';
import { type KitFiles, planSetup, planUninstall } from '../../source/postgres/kit/setup-plan.ts';
import { type PreflightFacts, readFacts } from '../../source/postgres/preflight/facts.ts';
import type { PreflightWish } from '../../source/postgres/preflight/wish.ts';
import type { ConnectionTarget } from '../../source/postgres/wire/connection.ts';
import { asRowsealError } from '../../source/postgres/wire/failure.ts';
import { watchLogin } from '../../source/postgres/wire/login.ts';
import { WITHOUT_TIMEOUTS } from '../../source/postgres/wire/timeouts.ts';
import type { Plan, Step } from '../../source/preflight.ts';
import type { Environment, SetupSession } from '../common/engine.ts';
import {
  adminTarget,
  elsewhere,
  postgresTarget,
  preflightWish,
  readKitFile,
  sameDatabase,
} from './target.ts';

/** Throws RowsealError. */
export async function openPostgresSetup(
  source: PostgresSourceConfig,
  tables: TrailConfig['tables'],
  env: Environment,
  adminUrlFile: string | undefined,
): Promise<SetupSession> {
  const target = postgresTarget(source, env);
  const wish = preflightWish(source, tables, target);
  const admin = adminOf(adminUrlFile, env);
  const client = await connect(admin);
  let prepared = false;
  return {
    prologue: "\\set ON_ERROR_STOP on\n\\encoding UTF8\nSET lock_timeout = '5s';\n",
    async plan(uninstall) {
      const facts = await factsOf(admin, wish);
      if (facts.server.database !== target.database)
        throw new RowsealError('config_invalid', `${elsewhere(admin, target)}.`, {
          hint: 'Event triggers, functions and publications belong to a database: give the URL of the one that is captured.',
        });
      const files = readKit();
      const planned: Plan =
        uninstall !== null
          ? planUninstall(facts, wish, files)
          : planSetup(facts, wish, files, await passwordVerifier(client, facts, target));
      // A tunnel may make two addresses of one server; two servers would be a grave mistake.
      if (sameDatabase(admin, target)) return planned;
      const warning = `${elsewhere(admin, target)}: go on only if both lead to it`;
      return { ...planned, notes: [warning, ...planned.notes] };
    },
    async run(step) {
      if (!prepared)
        await client.query(`${WITHOUT_TIMEOUTS}; SET lock_timeout = '5s'; SET client_min_messages = warning`);
      prepared = true;
      await runStep(client, step);
    },
    close: () => client.end().catch(() => undefined),
  };
}

function adminOf(file: string | undefined, env: Environment): ConnectionTarget {
  const target = adminTarget(env, file);
  if (target !== null) return target;
  throw new RowsealError('usage', 'setup needs the URL of a superuser.', {
    hint: 'Set ROWSEAL_ADMIN_URL, or give --admin-url-file FILE (mode 0600).',
  });
}

async function connect(target: ConnectionTarget): Promise<Client> {
  const client = new Client({ ...target.config, application_name: 'rowseal setup' });
  client.on('error', () => undefined); // a query that fails says so by itself
  const login = watchLogin(client, target, 'admin');
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw login.explain(error);
  }
}

/** On a connection of its own, for reading sets it read-only. */
async function factsOf(admin: ConnectionTarget, wish: PreflightWish): Promise<PreflightFacts> {
  const client = await connect(admin);
  try {
    return await readFacts(client, wish);
  } catch (error) {
    throw asRowsealError(error, 'reading the catalogs');
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A verifier where the role is the kit's and the configured password is not the one it has. */
async function passwordVerifier(
  client: Client,
  { role }: PreflightFacts,
  target: ConnectionTarget,
): Promise<string | null> {
  const password = target.config.password;
  if (typeof password !== 'string' || password === '') return null;
  if (role === null) return scramVerifier(password);
  if (!role.ours) return null;
  try {
    const { rows } = await client.query('SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1', [
      role.name,
    ]);
    const verifier = (rows[0] as { rolpassword: string | null } | undefined)?.rolpassword ?? '';
    return fitsVerifier(password, verifier) ? null : scramVerifier(password);
  } catch (error) {
    throw asRowsealError(error, 'reading the role (setup needs a superuser)');
  }
}

function readKit(): KitFiles {
  return {
    kit: readKitFile('01-kit.sql'),
    role: readKitFile('02-capture-role.sql'),
    publication: readKitFile('04-publication.sql'),
    uninstall: readKitFile('99-uninstall.sql'),
  };
}

async function runStep(client: Client, { title, sql }: Step): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined); // the files open a transaction of their own
    const { code } = error as { code?: string };
    if (code === '55P03')
      // lock_not_available
      throw new RowsealError('source_misconfigured', `${title}: the table is locked by somebody else.`, {
        cause: error,
        hint: 'Run setup again when its long transactions are over; what is done stays done.',
      });
    throw asRowsealError(error, title);
  }
}
