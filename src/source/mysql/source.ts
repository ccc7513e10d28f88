/**
 * The MySQL and MariaDB source: opens the binlog exactly where the trail ends, streams its changes, and watches over the
 * capture itself. It only reads. The server keeps nothing for us, and purges by time: acknowledgements stay here, where
 * they tell how near that comes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RowsealError } from '../../base/errors.ts';
import type { ChangeHandler } from '../../change/change.ts';
import { createSecondLook } from '../second-look.ts';
import type { ChangeSource, Resume } from '../source.ts';
import type { Flavor } from './bytes/flavor.ts';
import { type Attached, endSession, explainRefusal, inspectSource, openSource } from './opening.ts';
import { createBacklog, type FilePlace } from './position/backlog.ts';
import { parseGtidSet } from './position/gtid.ts';
import { startOf } from './position/position.ts';
import { createReadPlace } from './position/read-place.ts';
import { wasTorn } from './position/torn.ts';
import { createThreads } from './sessions/threads.ts';
import { createDecoder } from './transactions/decode.ts';
import { createOverflow, type OverflowParts } from './transactions/overflow.ts';
import { type CaptureProblem, captureProblem } from './watch/settings.ts';
import { createWatch, type Watch } from './watch/watch.ts';
import { parseMysqlUrl } from './wire/connection.ts';
import { asRowsealError } from './wire/failure.ts';
import { type Link, startDump } from './wire/link.ts';

/** Structured logging as pino does it; never given a secret. */
export interface SourceLog {
  info(details: object, text: string): void;
  warn(details: object, text: string): void;
}

export interface MysqlSourceOptions {
  /** What the configuration says that the server is; another kind is refused. */
  readonly flavor?: Flavor;
  /** `mysql://user@host:3306/?ssl-mode=VERIFY_IDENTITY&ssl-ca=…` */
  readonly url: string;
  /** Instead of the URL's. */
  readonly password?: string;
  /** Ours as a replica: no server and no replica of the topology may have it. */
  readonly serverId: number;
  /** Milliseconds of quiet after which the server sends a heartbeat (3,000); three missed mean that it is gone. */
  readonly heartbeatMs?: number;
  /** Milliseconds between looks at the settings (10,000). */
  readonly watchMs?: number;
  /** Whether the configuration wants this table; `foldsNames`: of a server that compares their names without case. */
  readonly matches: (schema: string, table: string, foldsNames: boolean) => boolean;
  /** Share one between the sources of a trail, and what happens while none is connected is noticed too. */
  readonly watch?: Watch;
  /** Where prepared transactions go that memory does not hold; where it is not given, they stop. */
  readonly overflow?: OverflowParts;
  readonly log: SourceLog;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface MysqlSource extends ChangeSource {
  /** What is wrong with the capture right now: red health. Empty when all is well. */
  health(): readonly CaptureProblem[];
}

export function createMysqlSource(options: MysqlSourceOptions): MysqlSource {
  const { serverId, log, clock } = options;
  if (!Number.isInteger(serverId) || serverId < 1 || serverId > 0xffff_ffff) {
    throw new RowsealError('config_invalid', `server_id ${serverId} is not between 1 and 4294967295`);
  }
  const target = parseMysqlUrl(options.url, options.password);
  const watch = options.watch ?? createWatch({ clock, covers: options.matches });
  const opening = { target, serverId, watch, flavor: options.flavor ?? null };
  const backlog = createBacklog();
  const closing = new AbortController();
  let attached: (Attached & { readonly through: string }) | null = null;
  let link: Link | null = null;
  /** Stands while nothing more may come. */
  let held: PromiseWithResolvers<void> | null = null;
  let ended: readonly { name: string; size: number }[] = [];
  let threadsProblem: string | null = null;

  const open = async (resume: Resume) => {
    const { attached: now, opened } = await openSource(opening, resume);
    attached = { ...now, through: opened.start };
    ended = now.look.state.files;
    if (closing.signal.aborted) await now.side.close();
    return opened;
  };

  const stream = async (handler: ChangeHandler) => {
    const at = attached;
    if (at === null) throw new RowsealError('internal', 'stream before open');
    const state = { inTransaction: false, over: false };
    const place = createReadPlace();
    const threads = createThreads({ side: at.side, facts: at.facts, clock });
    // Until it is told, news stays with the watch: it outlives this stream.
    const tell = () => {
      for (const observation of watch.news()) handler.observe(observation);
    };
    const deliver = () => {
      if (!state.inTransaction && !state.over) tell();
    };
    const secondLook = createSecondLook<RowsealError>();
    const look = async () => {
      try {
        const since = backlog.since();
        const unsealedMs = since === null ? null : clock() - since;
        const { state: binlog, lost } = await watch.check(at.side, at.facts, unsealedMs);
        ended = binlog.files;
        // The dump would go on to wait for more of a file that is gone.
        if (lost !== null) throw new RowsealError('source_changed', `the server's log lost ${lost}`);
        const unmatched = secondLook(watch.unmatched());
        if (unmatched !== null) throw unmatched;
      } catch (error) {
        if (!asRowsealError(error, 'watching').retryable) throw error;
        log.warn({ error: (error as Error).message }, 'the capture could not be looked at');
      }
      threadsProblem = threads.problem();
      deliver();
    };
    const overflow = options.overflow === undefined ? undefined : createOverflow(options.overflow);
    const decoder = createDecoder({
      flavor: at.facts.flavor,
      start: at.start,
      threads,
      covers: (schema, table) => options.matches(schema, table, at.facts.foldsNames),
      foldsNames: at.facts.foldsNames,
      serverId: at.facts.serverId,
      contextTrigger: watch.hasTriggers,
      columnsNow: watch.columnsNow,
      cascadesUnlogged: watch.cascadesUnlogged,
      ...(overflow === undefined ? {} : { overflow }),
      ready: () => held?.promise,
      handler: wrapped(handler, {
        begin: deliver,
        defined: watch.defined,
        state,
        committed: (end, time) => {
          // A session may forge its times (SET timestamp): one that is still to come must not hide how old this gets.
          backlog.committed(end, Math.min(Date.parse(`${time.slice(0, 23)}Z`), clock()), place.now());
        },
        idle: deliver,
      }),
    });
    deliver();
    const stop = new AbortController();
    try {
      link = await startDump({
        target,
        flavor: at.facts.flavor,
        serverId,
        start: startOf(at.start),
        encodeSet: (set) => parseGtidSet(set).encode(),
        heartbeatMs: options.heartbeatMs ?? 3000,
        clock,
        kill: (threadId) => endSession(at.side, threadId),
        onEvent: (event) => {
          place.heard(event);
          return decoder.event(event);
        },
      });
      const mine = link;
      watch.dumps.add(mine.threadId);
      if (closing.signal.aborted) void mine.end();
      if (held !== null) mine.stop();
      every(options.watchMs ?? 10_000, look, stop.signal).catch((error) => mine.abort(error));
      await mine.done;
      watch.dumps.delete(mine.threadId);
    } catch (error) {
      const torn = () => wasTorn(error, at, decoder.position(), place.now()).catch(() => false);
      if (decoder.inTransaction() && (await torn())) decoder.lost();
      // What the transaction that broke off held back: it may be the reason, and no other stream may come.
      if (!closing.signal.aborted) tell();
      // Where nothing was heard, the server may still hold our dump.
      const silent = error instanceof RowsealError && error.details['silent'] === true;
      if (!silent && link !== null) watch.dumps.delete(link.threadId);
      throw await explainRefusal(error, at, at.through, serverId);
    } finally {
      state.over = true;
      stop.abort();
      overflow?.close();
      link = null;
      await at.side.close();
    }
  };

  return {
    origin: 'none',
    streamId: 'binlog',
    inspect: () => inspectSource(opening),
    open,
    stream,
    pause: () => {
      if (held !== null) return;
      held = Promise.withResolvers<void>();
      link?.stop();
    },
    resume: () => {
      held?.resolve();
      if (held !== null) link?.go();
      held = null;
    },
    acknowledge: (position) => backlog.sealed(position),
    lag: () => ({ bytes: bytesBehind(ended, backlog.place()), heardAt: link?.heardAt() ?? null }),
    health: () => [
      ...watch.problems(),
      ...(threadsProblem === null ? [] : [captureProblem('logins_not_seen', 'threads', threadsProblem)]),
    ],
    close: async () => {
      closing.abort();
      await link?.end();
      await attached?.side.close();
    },
  };
}

/** Keeps track of where the handler is, and lets news in between transactions. */
function wrapped(
  handler: ChangeHandler,
  told: {
    readonly state: { inTransaction: boolean };
    readonly begin: () => void;
    readonly defined: () => void;
    readonly committed: (end: string, time: string) => void;
    readonly idle: () => void;
  },
): ChangeHandler {
  let time = '';
  return {
    begin: (transaction) => {
      told.begin();
      told.state.inTransaction = true;
      time = transaction.time;
      handler.begin(transaction);
    },
    row: handler.row.bind(handler),
    truncate: handler.truncate.bind(handler),
    message: (prefix, content) => {
      if (prefix === 'rowseal.ddl') told.defined();
      handler.message(prefix, content);
    },
    commit: (end) => {
      told.committed(end, time);
      handler.commit(end);
      told.state.inTransaction = false;
      told.idle();
    },
    quiet: (position) => {
      handler.quiet(position);
      told.idle();
    },
    moved: (moves) => handler.moved?.(moves),
    observe: handler.observe.bind(handler),
  };
}

/** Bytes of the server's binary logs behind a place, as of the last look; null where files or place are not known. */
export function bytesBehind(
  files: readonly { readonly name: string; readonly size: number }[],
  place: FilePlace | null,
): number | null {
  const at = place === null ? -1 : files.findIndex(({ name }) => name === place.file);
  if (place === null || at < 0) return null;
  const whole = files.slice(at).reduce((sum, { size }) => sum + size, 0);
  return Math.max(0, whole - place.position);
}

/** Runs a task again and again, never twice at once, until it fails or the signal comes. */
async function every(ms: number, task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    if (!signal.aborted) await task();
  }
}
