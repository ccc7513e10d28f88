/**
 * `rowseal setup`: installs on a database what a DBA reviewed, or takes it all back. It shows what it would do and
 * asks; it does nothing at all while one step would break the application. The admin's URL and every password come
 * from the environment or a file, never from an argument, and a password reaches the server only as a verifier.
 */
import { createInterface } from 'node:readline/promises';
import { Client } from 'pg';
import { RowsealError } from '../base/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config, TrailConfig } from '../config/schema.ts';
import { sealEnd } from '../seal/end.ts';
import type { ConnectionTarget } from '../source/postgres/connection.ts';
import { asRowsealError } from '../source/postgres/failure.ts';
import { watchLogin } from '../source/postgres/login.ts';
import { type PreflightFacts, readFacts } from '../source/postgres/preflight-facts.ts';
import type { PreflightWish } from '../source/postgres/preflight-wish.ts';
import { fitsVerifier, scramVerifier } from '../source/postgres/scram.ts';
import {
  type KitFiles,
  type Plan,
  planSetup,
  planUninstall,
  type Step,
} from '../source/postgres/setup-plan.ts';
import { type Command, type CommandIo, parseCommandLine } from './command.ts';
import {
  adminTarget,
  elsewhere,
  postgresTarget,
  preflightWish,
  readKitFile,
  sameDatabase,
} from './postgres-target.ts';
import { writerParts } from './trail-parts.ts';

const HELP = `rowseal setup: install on a Postgres database what capture needs, or take it all back.

Usage: rowseal setup -c FILE [--trail NAME] [--print] [--yes] [--admin-url-file FILE]
       rowseal setup -c FILE --uninstall [--yes]

  -c, --config FILE       the configuration
      --trail NAME        which trail; needed where the configuration has several
      --print             print the SQL as it would be run, for review or for psql; change nothing
      --uninstall         remove triggers, event triggers, functions, publication, slot and role; stop the daemon first
      --yes               do not ask
      --admin-url-file F  file with the URL of a superuser; without it the environment's ROWSEAL_ADMIN_URL

What it would run is in sql/postgres: read that first. It installs the kit, makes the login that source.url names
(with its password as a SCRAM verifier), sets REPLICA IDENTITY FULL where replica_identity: full, publishes the
tables that match, and puts context triggers where context_trigger: true. It does not make the slot: run does.
It refuses what would break the application, a table without a key first of all, and then changes nothing.
A second run adds what is missing, new tables say, and otherwise says that there is nothing to do.

  ROWSEAL_ADMIN_URL='postgres://postgres@db.example.com/orders?sslmode=verify-full' rowseal setup -c rowseal.yaml

Exit status: 0 done, printed, or nothing to do; 1 refused; 2 could not do it.
`;

export interface SetupParts {
  /**
   * Seals a last lifecycle record `uninstalled` before anything is removed; the daemon is stopped. Resolves with
   * the number of the seal, or null where there is no trail yet. Throws where it can't: then nothing is removed.
   */
  readonly sealUninstalled: (config: Config, trail: TrailConfig, io: CommandIo) => Promise<number | null>;
}

export const setupCommand: Command = createSetupCommand({
  async sealUninstalled(config, trail, io) {
    const parts = await writerParts(config, trail, io);
    try {
      return await sealEnd(parts, 'uninstalled');
    } finally {
      await parts.store.close();
    }
  },
});

export function createSetupCommand(parts: SetupParts): Command {
  return {
    name: 'setup',
    summary: 'install what a DBA reviewed: login, publication, functions, triggers; or take it all back',
    help: HELP,
    run: (argv, io) => setup(parts, argv, io),
  };
}

async function setup(parts: SetupParts, argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseCommandLine('setup', argv, {
    options: {
      config: { type: 'string', short: 'c' },
      trail: { type: 'string' },
      print: { type: 'boolean', default: false },
      uninstall: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      'admin-url-file': { type: 'string' },
    },
  });
  if (values.config === undefined) throw new RowsealError('usage', 'setup needs -c FILE.');
  const config = loadConfig(values.config, io.env);
  const trail = chooseTrail(config, values.trail);
  const target = postgresTarget(trail.source, io.env);
  const wish = preflightWish(trail, target);
  const admin = adminOf(values['admin-url-file'], io.env);
  return withClient(admin, async (client) => {
    const facts = await factsOf(admin, wish);
    if (facts.server.database !== target.database)
      throw new RowsealError('config_invalid', `${elsewhere(admin, target)}.`, {
        hint: 'Event triggers, functions and publications belong to a database: give the URL of the one that is captured.',
      });
    const files = readKit();
    const planned = values.uninstall
      ? planUninstall(facts, wish, files)
      : planSetup(facts, wish, files, await passwordVerifier(client, facts, target));
    // A tunnel may make two addresses of one server; two servers would be a grave mistake.
    const plan = sameDatabase(admin, target)
      ? planned
      : {
          ...planned,
          notes: [`${elsewhere(admin, target)}: go on only if both lead to it`, ...planned.notes],
        };
    if (values.print) return print(plan, io);
    return carryOut(parts, { config, trail, plan, client, uninstall: values.uninstall, yes: values.yes }, io);
  });
}

function chooseTrail(config: Config, name: string | undefined): TrailConfig {
  const found =
    name === undefined && config.trails.length === 1
      ? config.trails[0]
      : config.trails.find((trail) => trail.name === name);
  if (found !== undefined) return found;
  throw new RowsealError(
    'usage',
    name === undefined ? 'The configuration has several trails.' : `There is no trail ${name}.`,
    {
      hint: `Give --trail with one of: ${config.trails.map((trail) => trail.name).join(', ')}`,
    },
  );
}

function adminOf(file: string | undefined, env: CommandIo['env']): ConnectionTarget {
  const target = adminTarget(env, file);
  if (target !== null) return target;
  throw new RowsealError('usage', 'setup needs the URL of a superuser.', {
    hint: 'Set ROWSEAL_ADMIN_URL, or give --admin-url-file FILE (mode 0600).',
  });
}

async function withClient<T>(target: ConnectionTarget, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...target.config, application_name: 'rowseal setup' });
  client.on('error', () => undefined); // a query that fails says so by itself
  const login = watchLogin(client, target, 'admin');
  try {
    await client.connect();
  } catch (error) {
    throw login.explain(error);
  }
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** On a connection of its own, for reading sets it read-only. */
function factsOf(admin: ConnectionTarget, wish: PreflightWish): Promise<PreflightFacts> {
  return withClient(admin, async (client) => {
    try {
      return await readFacts(client, wish);
    } catch (error) {
      throw asRowsealError(error, 'reading the catalogs');
    }
  });
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

function print(plan: Plan, io: CommandIo): number {
  for (const { what, why, fix } of plan.refused) io.stdout.write(`-- REFUSED ${what}: ${why}\n--   ${fix}\n`);
  for (const note of plan.notes) io.stdout.write(`-- NOTE ${note}\n`);
  if (plan.steps.length === 0) io.stdout.write('-- Nothing to do.\n');
  else io.stdout.write("\\set ON_ERROR_STOP on\nSET lock_timeout = '5s';\n");
  for (const { title, sql, shown } of plan.steps)
    io.stdout.write(`\n-- == ${title}\n${(shown ?? sql).trimEnd()}\n`);
  return plan.refused.length > 0 ? 1 : 0;
}

interface Work {
  readonly config: Config;
  readonly trail: TrailConfig;
  readonly plan: Plan;
  readonly client: Client;
  readonly uninstall: boolean;
  readonly yes: boolean;
}

async function carryOut(
  parts: SetupParts,
  { config, trail, plan, client, uninstall, yes }: Work,
  io: CommandIo,
): Promise<number> {
  const say = (line: string) => io.stdout.write(`${line}\n`);
  for (const { what, why, fix } of plan.refused) say(`refused  ${what}: ${why}\n         ${fix}`);
  for (const note of plan.notes) say(`note     ${note}`);
  if (plan.refused.length > 0) {
    say('Nothing was changed.');
    return 1;
  }
  if (plan.steps.length === 0) {
    say(uninstall ? 'Nothing of rowseal is here.' : 'Nothing to do: everything is installed.');
    return 0;
  }
  for (const { title } of plan.steps) say(`will do  ${title}`);
  if (!yes && !(await agreed(io))) {
    say('Nothing was changed.');
    return 2;
  }
  if (uninstall) say(await sealTheEnd(parts, config, trail, io));
  await client.query("SET lock_timeout = '5s'; SET client_min_messages = warning");
  for (const step of plan.steps) await runStep(client, step, say);
  return 0;
}

async function agreed(io: CommandIo): Promise<boolean> {
  if (!process.stdin.isTTY || io.stdout.isTTY !== true)
    throw new RowsealError('usage', 'There is no terminal to ask on.', {
      hint: 'Look at --print, then give --yes.',
    });
  const questions = createInterface({ input: process.stdin, output: io.stdout });
  try {
    const answer = await questions.question('Go on? [y/N] ', { signal: io.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    questions.close();
  }
}

async function sealTheEnd(
  parts: SetupParts,
  config: Config,
  trail: TrailConfig,
  io: CommandIo,
): Promise<string> {
  const seal = await parts.sealUninstalled(config, trail, io);
  return seal === null
    ? 'note     there is no trail yet whose end could be sealed'
    : `done     sealed the end of the trail: seal ${seal}`;
}

/** Each step stands by itself: a crash or a refusal in between leaves a database that the next run completes. */
async function runStep(client: Client, { title, sql }: Step, say: (line: string) => void): Promise<void> {
  try {
    await client.query(sql);
    say(`done     ${title}`);
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
