/**
 * `rowseal setup`: installs on a database what a DBA reviewed, or takes it all back. It shows what it would do and
 * asks; it does nothing at all while one step would break the application. The admin's URL and every password come
 * from the environment or a file, never from an argument, and a password reaches the server only as a verifier.
 */
import { createInterface } from 'node:readline/promises';
import { RowsealError } from '../../base/errors.ts';
import { clean, cleaned, type Printable, sqlText, text } from '../../base/text.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, TrailConfig } from '../../config/schema.ts';
import type { SetupSession, Uninstall } from '../../engines/common/engine.ts';
import { engineOf } from '../../engines/engine-of.ts';
import { sealEnd } from '../../seal/end.ts';
import { nameFile, type Plan } from '../../source/preflight.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';
import { readThrough } from '../trail-head.ts';
import { writerParts } from '../trail-parts.ts';

const HELP = text`rowseal setup: install on a database what capture needs, or take it all back.

Usage: rowseal setup -c FILE [--trail NAME] [--print] [--yes] [--admin-url-file FILE]
       rowseal setup -c FILE --uninstall [--print] [--yes]

  -c, --config FILE       the configuration
      --trail NAME        which trail; needed where the configuration has several
      --print             print the SQL as it would be run, for review or for psql or mysql; change nothing
      --uninstall         remove all that it installed, slot, publication and login too; refused while a
                          daemon streams
      --yes               do not ask
      --admin-url-file F  file with the URL of an admin; without it the environment's ROWSEAL_ADMIN_URL

What it would run is in sql/postgres or sql/mysql: read that first. It installs the kit, makes the login that
source.url names (its password goes over as a hash), and puts context triggers where context_trigger: true.
Postgres: it sets REPLICA IDENTITY FULL where replica_identity: full, and publishes the tables that match. It does not
make the slot: run does. MySQL and MariaDB: it lets context_accounts call rowseal.set_context; settings of the server
stay yours (rowseal doctor names them).
It refuses what would break the application, a table without a key in Postgres first of all, and accounts that are not
there, and then changes nothing.
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
  const session = await engineOf(trail, io.env).openSetup(values['admin-url-file']);
  try {
    const uninstall = values.uninstall ? { through: await readThrough(config, trail, io.env) } : null;
    const plan = await session.plan(uninstall);
    if (values.print) return print(plan, session.prologue, values.config, io);
    return await carryOut(
      parts,
      { file: values.config, config, trail, plan, session, uninstall, yes: values.yes },
      io,
    );
  } finally {
    await session.close();
  }
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

/** The client runs whatever is not a comment: no name may end its line, and what can't be shown safely is left out. */
function print(plan: Plan, prologue: string, file: string, io: CommandIo): number {
  const say = (line: Printable) => io.stdout.write(text`${line}\n`);
  const hidden = plan.steps.filter(({ unprintable }) => unprintable);
  for (const { what, why, fix } of plan.refused)
    say(text`-- REFUSED ${clean(what)}: ${clean(why)}\n--   ${cleaned(nameFile(fix, file))}`);
  for (const { title } of hidden)
    say(
      text`-- REFUSED ${clean(title)}: a name in it holds control characters: rename it, or run setup without --print`,
    );
  for (const note of plan.notes) say(text`-- NOTE ${clean(note)}`);
  if (plan.steps.length === 0) say(text`-- Nothing to do.`);
  else io.stdout.write(sqlText(prologue));
  for (const { title, sql, shown } of plan.steps.filter((step) => !hidden.includes(step)))
    say(text`\n-- == ${clean(title)}\n${sqlText((shown ?? sql).trimEnd())}`);
  return plan.refused.length + hidden.length > 0 ? 1 : 0;
}

interface Work {
  /** The configuration's path. */
  readonly file: string;
  readonly config: Config;
  readonly trail: TrailConfig;
  readonly plan: Plan;
  readonly session: SetupSession;
  readonly uninstall: Uninstall | null;
  readonly yes: boolean;
}

async function carryOut(
  parts: SetupParts,
  { file, config, trail, plan, session, uninstall, yes }: Work,
  io: CommandIo,
): Promise<number> {
  const say = (line: Printable) => io.stdout.write(text`${line}\n`);
  const refuses = ({ refused }: Plan) => {
    for (const { what, why, fix } of refused)
      say(text`refused  ${clean(what)}: ${clean(why)}\n         ${cleaned(nameFile(fix, file))}`);
    if (refused.length > 0) say(text`Nothing was changed.`);
    return refused.length > 0;
  };
  for (const note of plan.notes) say(text`note     ${clean(note)}`);
  if (refuses(plan)) return 1;
  if (plan.steps.length === 0) {
    say(
      uninstall !== null ? text`Nothing of rowseal is here.` : text`Nothing to do: everything is installed.`,
    );
    return 0;
  }
  for (const { title } of plan.steps) say(text`will do  ${clean(title)}`);
  if (!yes && !(await agreed(io))) {
    say(text`Nothing was changed.`);
    return 2;
  }
  if (uninstall !== null) {
    // A daemon may have begun while we asked.
    if (!yes && refuses(await session.plan(uninstall))) return 1;
    say(await sealTheEnd(parts, config, trail, io));
  }
  for (const step of plan.steps) {
    await session.run(step);
    say(text`done     ${clean(step.title)}`);
  }
  return 0;
}

async function agreed(io: CommandIo): Promise<boolean> {
  if (!process.stdin.isTTY || io.stdout.isTTY !== true)
    throw new RowsealError('usage', 'There is no terminal to ask on.', {
      hint: 'Look at --print, then give --yes.',
    });
  io.stdout.write(text`Go on? [y/N] `);
  const questions = createInterface({ input: process.stdin });
  try {
    const answer = await questions.question('', { signal: io.signal });
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
): Promise<Printable> {
  const seal = await parts.sealUninstalled(config, trail, io);
  return seal === null
    ? text`note     there is no trail yet whose end could be sealed`
    : text`done     sealed the end of the trail: seal ${seal}`;
}
