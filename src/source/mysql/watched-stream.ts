/**
 * A stream with what goes along with it: the decoder with all that it asks, looks at the capture, and what they find told
 * between transactions. It ends all of that with itself, and says why it ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RowsealError } from '../../base/errors.ts';
import type { ChangeHandler, Position } from '../../change/change.ts';
import { createNews, type News } from '../news.ts';
import { createSecondLook } from '../second-look.ts';
import { type Attached, endSession, explainRefusal } from './opening.ts';
import type { MysqlSourceOptions } from './options.ts';
import type { Backlog } from './position/backlog.ts';
import { parseGtidSet } from './position/gtid.ts';
import { startOf } from './position/position.ts';
import { createReadPlace, type ReadPlace } from './position/read-place.ts';
import { wasTorn } from './position/torn.ts';
import { createThreads, type Threads } from './sessions/threads.ts';
import type { Steering } from './steering.ts';
import { createDecoder, type Decoder } from './transactions/decode.ts';
import { createOverflow, type Overflow } from './transactions/overflow.ts';
import type { Watch } from './watch/watch.ts';
import type { ConnectionTarget } from './wire/connection.ts';
import { asRowsealError } from './wire/failure.ts';
import { type Link, startDump } from './wire/link.ts';
import type { BinlogState } from './wire/server.ts';

/** What the looks at the server found last, for health and metrics. */
export interface Seen {
  /** The server's binary logs. */
  files: BinlogState['files'];
  /** Why logins can't be seen; null where they can. */
  threadsProblem: string | null;
}

export interface WatchedStreamParts {
  readonly options: MysqlSourceOptions;
  readonly target: ConnectionTarget;
  readonly watch: Watch;
  readonly steering: Steering;
  readonly backlog: Backlog;
  readonly seen: Seen;
  readonly attached: Attached;
  /** Where the source was opened. */
  readonly through: Position;
}

/** Resolves when the source was closed. */
export async function streamWatched(parts: WatchedStreamParts, handler: ChangeHandler): Promise<void> {
  const { options, watch, steering, attached } = parts;
  const { side, facts } = attached;
  const news = createNews(watch, handler);
  const place = createReadPlace();
  const threads = createThreads({ side, facts, clock: options.clock });
  const look = createLook(parts, threads, news.deliver);
  const overflow = options.overflow === undefined ? undefined : createOverflow(options.overflow);
  const decoder = decoderOf(parts, threads, overflow, newsBetween(handler, news, place, parts));
  news.deliver();
  const stop = new AbortController();
  let link: Link | null = null;
  try {
    const mine = await dump(parts, decoder, place);
    link = mine;
    watch.dumps.add(mine.threadId);
    steering.take(mine);
    every(options.watchMs ?? 10_000, look, stop.signal).catch((error) => mine.abort(error));
    await mine.done;
    watch.dumps.delete(mine.threadId);
  } catch (error) {
    const torn = () => wasTorn(error, attached, decoder.position(), place.now()).catch(() => false);
    if (decoder.inTransaction() && (await torn())) decoder.lost();
    // What the transaction that broke off held back: it may be the reason, and no other stream may come.
    if (!steering.closing.aborted) news.tell();
    // Where nothing was heard, the server may still hold our dump.
    const silent = error instanceof RowsealError && error.details['silent'] === true;
    if (!silent && link !== null) watch.dumps.delete(link.threadId);
    throw await explainRefusal(error, attached, parts.through, options.serverId);
  } finally {
    news.close();
    stop.abort();
    overflow?.close();
    steering.take(null);
    await side.close();
  }
}

/** A look at the capture; throws where the stream must not go on. */
function createLook(
  { options, watch, backlog, seen, attached }: WatchedStreamParts,
  threads: Threads,
  deliver: () => void,
): () => Promise<void> {
  const { clock, log } = options;
  const secondLook = createSecondLook<RowsealError>();
  return async () => {
    try {
      const since = backlog.since();
      const unsealedMs = since === null ? null : clock() - since;
      const { state, lost } = await watch.check(attached.side, attached.facts, unsealedMs);
      seen.files = state.files;
      // The dump would go on to wait for more of a file that is gone.
      if (lost !== null) throw new RowsealError('source_changed', `the server's log lost ${lost}`);
      const unmatched = secondLook(watch.unmatched());
      if (unmatched !== null) throw unmatched;
    } catch (error) {
      if (!asRowsealError(error, 'watching').retryable) throw error;
      log.warn({ error: (error as Error).message }, 'the capture could not be looked at');
    }
    seen.threadsProblem = threads.problem();
    deliver();
  };
}

function decoderOf(
  { options, watch, steering, attached }: WatchedStreamParts,
  threads: Threads,
  overflow: Overflow | undefined,
  handler: ChangeHandler,
): Decoder {
  const { facts, start } = attached;
  return createDecoder({
    flavor: facts.flavor,
    start,
    threads,
    covers: (schema, table) => options.matches(schema, table, facts.foldsNames),
    foldsNames: facts.foldsNames,
    serverId: facts.serverId,
    contextTrigger: watch.hasTriggers,
    columnsNow: watch.columnsNow,
    cascadesUnlogged: watch.cascadesUnlogged,
    ...(overflow === undefined ? {} : { overflow }),
    ready: () => steering.ready(),
    handler,
  });
}

function dump(
  { options, target, attached }: WatchedStreamParts,
  decoder: Decoder,
  place: ReadPlace,
): Promise<Link> {
  const { side, facts, start } = attached;
  return startDump({
    target,
    flavor: facts.flavor,
    serverId: options.serverId,
    start: startOf(start),
    encodeSet: (set) => parseGtidSet(set).encode(),
    heartbeatMs: options.heartbeatMs ?? 3000,
    clock: options.clock,
    kill: (threadId) => endSession(side, threadId),
    onEvent: (event) => {
      place.heard(event);
      return decoder.event(event);
    },
  });
}

/** The handler, with news between its transactions; what it got is in the backlog. */
function newsBetween(
  handler: ChangeHandler,
  news: News,
  place: ReadPlace,
  { options, watch, backlog }: WatchedStreamParts,
): ChangeHandler {
  const { clock } = options;
  let time = '';
  return {
    begin: (transaction) => {
      news.begin();
      time = transaction.time;
      handler.begin(transaction);
    },
    row: handler.row.bind(handler),
    truncate: handler.truncate.bind(handler),
    message: (prefix, content) => {
      if (prefix === 'rowseal.ddl') watch.defined();
      handler.message(prefix, content);
    },
    commit: (end) => {
      // A session may forge its times (SET timestamp): one that is still to come must not hide how old this gets.
      backlog.committed(end, Math.min(Date.parse(`${time.slice(0, 23)}Z`), clock()), place.now());
      handler.commit(end);
      news.end();
      news.deliver();
    },
    quiet: (position) => {
      handler.quiet(position);
      news.deliver();
    },
    moved: (moves) => handler.moved?.(moves),
    observe: handler.observe.bind(handler),
  };
}

/** Runs a task again and again, never twice at once, until it fails or the signal comes. */
async function every(ms: number, task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    if (!signal.aborted) await task();
  }
}
