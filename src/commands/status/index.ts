/**
 * `rowseal status`: per trail, how far the evidence reaches, how far behind the server that is, how well changes are
 * attributed, and whether anything is amiss. What could not be asked makes the answer 'could not tell', never 'good'.
 */
import { RowsealError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { json, text } from '../../base/text.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, TrailConfig } from '../../config/schema.ts';
import { engineOf } from '../../engines/engine-of.ts';
import { sealCheck } from '../../seal/head/oldest.ts';
import { recover } from '../../seal/head/recover.ts';
import { readSigner } from '../../seal/signer.ts';
import { ASKING_MS, openStore } from '../../store/open.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';
import { askDaemon } from './daemon.ts';
import { judge, type TrailStatus } from './judge.ts';
import { type Shown, statusTable } from './table.ts';
import { readTail, type Tail } from './trail.ts';

const HELP = text`rowseal status: head, lag, attribution coverage, gaps.

Usage: rowseal status -c FILE [--trail NAME] [--recent N] [--json]

  -c, --config FILE   the configuration
      --trail NAME    this trail alone
      --recent N      look back over at least N changes (default 5000), or 500 seals; it says over what it looked
      --json          one JSON object instead of tables

head         the newest seal and what it covers; its signature is checked
lag          log that the server has and the trail has not; time since the newest seal
slot         Postgres: whether somebody streams from it, and how much log the server keeps for it
binlog       MySQL, MariaDB: whether somebody streams it, how much of it the server keeps, and for how long
attribution  how many changes are known at which tier (docs/applications.md explains the tiers)
gaps         holes that the trail admits: accepted ones, and what could not be read
abandoned    objects that a crash left, listed by a later seal: harmless
daemon       what /healthz says, where it answers

Unhealthy: no seal for longer than metrics.stale_after, a slot that is gone, lost, about to be, or ahead of the trail,
binlogs that are purged though the trail lacks them, a daemon that complains, none that answers while nobody streams (a
daemon on another host streams, and is only noted), a newest part that cannot be read as it was sealed. It is no verification: rowseal verify is.

Exit status: 0 healthy, 1 not, 2 could not tell.
Example: rowseal status -c rowseal.yaml --json | jq '.trails[].lag'
`;

export const statusCommand: Command = {
  name: 'status',
  summary: 'head, lag, attribution coverage, gaps',
  help: HELP,
  run: status,
};

const MOST_SEALS = 500;

async function status(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseCommandLine('status', argv, {
    options: {
      config: { type: 'string', short: 'c' },
      trail: { type: 'string' },
      recent: { type: 'string', default: '5000' },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.config === undefined) throw new RowsealError('usage', 'status needs -c FILE.');
  if (!/^[1-9][0-9]{0,8}$/.test(values.recent))
    throw new RowsealError('usage', '--recent is a number of changes.');
  const config = loadConfig(values.config, io.env);
  const trails = config.trails.filter(({ name }) => values.trail === undefined || name === values.trail);
  if (trails.length === 0) throw new RowsealError('usage', `The configuration has no trail ${values.trail}.`);
  const found: Shown[] = [];
  for (const trail of trails) found.push(await statusOf(config, trail, Number(values.recent), io.env));
  const each = found.map(({ status }) => status);
  const exit = exitStatus(each);
  io.stdout.write(
    values.json
      ? text`${json({ status: exit, trails: each })}\n`
      : statusTable(found, Date.now(), { terminal: io.stdout.isTTY === true, env: io.env }),
  );
  return exit;
}

/** 1 where something is wrong, even if something else could not be asked. */
export function exitStatus(found: readonly TrailStatus[]): 0 | 1 | 2 {
  if (found.some(({ problems }) => problems.length > 0)) return 1;
  return found.some(({ unknown }) => unknown.length > 0) ? 2 : 0;
}

async function statusOf(
  config: Config,
  trail: TrailConfig,
  recent: number,
  env: CommandIo['env'],
): Promise<Shown> {
  const engine = engineOf(trail, env);
  const unknown: string[] = [];
  const attempt = async <T>(what: string, ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
      unknown.push(`${what}: ${error.message} → ${error.hint}`);
      return undefined;
    }
  };
  // The server before the trail: between the two the daemon goes on, and a slot must not seem ahead of it.
  const server = await attempt('the server', () => engine.askServer());
  const evidence = await attempt('the trail', () => readEvidence(config, trail, recent, env));
  const daemon = await askDaemon(config.metrics.listen, trail.name);
  const head = evidence?.head ?? null;
  const now = Date.now();
  const status: TrailStatus = {
    trail: trail.name,
    head,
    lag:
      head === null
        ? null
        : {
            ...(server?.behind(head.through) ?? { bytes: null }),
            seconds: Math.max(0, Math.round((now - Date.parse(head.sealed_at)) / 1000)),
            server: server?.position ?? null,
          },
    [engine.serverSide]: server === undefined ? 'unknown' : server.facts,
    recent: evidence?.tail ?? null,
    daemon,
    listen: config.metrics.listen,
    problems: judge({
      head: evidence === undefined ? undefined : head,
      tail: evidence?.tail ?? null,
      server,
      daemon,
      listen: config.metrics.listen,
      now,
      staleAfterMs: config.metrics.stale_after,
      broken: evidence?.broken ?? null,
    }),
    unknown,
  };
  return { status, server, serverSide: engine.serverSide };
}

interface Evidence {
  readonly head: TrailStatus['head'];
  readonly tail: Tail | null;
  /** The trail can be read, but does not hold together. */
  readonly broken: string | null;
}

async function readEvidence(
  config: Config,
  trail: TrailConfig,
  recent: number,
  env: CommandIo['env'],
): Promise<Evidence> {
  const { key } = readSigner(config.signer.path, trail.name);
  const store = await openStore(config.store, trail.name, env, ASKING_MS);
  try {
    const isSeal = sealCheck(trail.name, key);
    const recovered = await recover(store, isSeal, [], silentLog);
    if (recovered === null) return { head: null, tail: null, broken: null };
    const { number, sealedAt, through } = recovered.head;
    return {
      head: { number, sealed_at: sealedAt as string, through, signed_by: key.vkey },
      tail: await readTail(store, isSeal, number, { changes: recent, seals: MOST_SEALS }),
      broken: null,
    };
  } catch (error) {
    if (!(error instanceof RowsealError) || error.code !== 'trail_invalid') throw error;
    return { head: null, tail: null, broken: error.message };
  } finally {
    await store.close();
  }
}
