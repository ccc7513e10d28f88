/**
 * The Postgres source: opens a slot exactly where the trail ends, streams its changes, keeps an idle slot moving
 * and watches over the capture itself. It reads; the only things it ever writes to the database are the slot and
 * heartbeat messages. It never acknowledges what it was not told to.
 */
import { RowsealError } from '../../base/errors.ts';
import type { ChangeHandler } from '../../change/change.ts';
import { createSecondLook } from '../second-look.ts';
import type { ChangeSource, Resume } from '../source.ts';
import { createCatalog } from './catalog/catalog.ts';
import { type Attached, inspectSource, openSource } from './opening.ts';
import { readSlot } from './position/server.ts';
import { startPosition, streamFrom } from './stream.ts';
import { createHeartbeat } from './watch/heartbeat.ts';
import { repeat } from './watch/repeat.ts';
import { type CaptureProblem, createWatch, type Watch } from './watch/watch.ts';
import { parsePostgresUrl } from './wire/connection.ts';
import { asRowsealError } from './wire/failure.ts';
import type { Link } from './wire/link.ts';
import { parseLsn } from './wire/lsn.ts';
import { connectSession } from './wire/sessions.ts';

/** Structured logging as pino does it; never given a secret. */
export interface SourceLog {
  info(details: object, text: string): void;
  warn(details: object, text: string): void;
}

export interface PostgresSourceOptions {
  /** As libpq writes it. */
  readonly url: string;
  /** Instead of the URL's. */
  readonly password?: string;
  readonly slot: string;
  readonly publication: string;
  /** Creates the slot as a failover slot (17+). */
  readonly failover?: boolean;
  /** Milliseconds without a transaction after which one is made (30,000); 0 for never. */
  readonly heartbeatMs?: number;
  /** Milliseconds between looks at publication, identities and triggers (10,000). */
  readonly watchMs?: number;
  /** Milliseconds between status updates at least (5,000); Postgres gives us up after wal_sender_timeout. */
  readonly statusMs?: number;
  /** Milliseconds of silence after which the server counts as gone (wal_sender_timeout, or 60,000). */
  readonly peerTimeoutMs?: number;
  /** Whether the configuration wants this table (a leaf, with everything that it is a partition of). */
  readonly matches: (schema: string, table: string, ancestors: readonly string[]) => boolean;
  /** Share one between the sources of a trail, and what happens while none is connected is noticed too. */
  readonly watch?: Watch;
  readonly log: SourceLog;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface PostgresSource extends ChangeSource {
  /** What is wrong with the capture right now: red health. Empty when all is well. */
  health(): readonly CaptureProblem[];
}

/** How long a server that shuts down waits for our last acknowledgement before we leave. */
const LEAVE_GRACE_MS = 1500;

export function createPostgresSource(options: PostgresSourceOptions): PostgresSource {
  const { slot, publication, log, clock } = options;
  if (!/^[a-z0-9_]{1,63}$/.test(slot)) {
    throw new RowsealError('config_invalid', `the slot's name ${slot} is not made of [a-z0-9_]`);
  }
  const target = parsePostgresUrl(options.url, options.password);
  const watch = options.watch ?? createWatch({ slot, publication, matches: options.matches });
  let attached: Attached | null = null;
  let link: Link | null = null;
  let paused = false;
  let closed = false;
  let acknowledged = 0n;
  let leaving = false;
  let endOfLog: bigint | null = null;

  const closing = new AbortController();

  const onLeave = () => {
    if (leaving || closed) return;
    leaving = true;
    log.info({ slot }, 'the server is shutting down');
    const error = new RowsealError('source_unreachable', 'the server is shutting down');
    setTimeout(() => void link?.end(error), LEAVE_GRACE_MS).unref();
  };

  const opening = {
    target,
    slot,
    publication,
    failover: options.failover === true,
    watch,
    log,
    onLeave,
    signal: closing.signal,
  };
  const open = async (resume: Resume) => {
    leaving = false;
    const { attached: now, opened } = await openSource(opening, resume);
    attached = now;
    endOfLog = now.endOfLog;
    if (resume.through !== null && opened.gap === null) acknowledged = parseLsn(resume.through);
    return opened;
  };

  const stream = async (handler: ChangeHandler) => {
    const at = attached;
    if (at === null) throw new RowsealError('internal', 'stream before open');
    let fatal: unknown = null;
    const state = { inTransaction: false, over: false, commitAt: clock() };
    // Until it is told, news stays with the watch: it outlives this stream.
    const tell = () => {
      for (const observation of watch.news()) handler.observe(observation);
    };
    const deliver = () => {
      if (!state.inTransaction && !state.over) tell();
    };
    const secondLook = createSecondLook<RowsealError>();
    const tick = async () => {
      try {
        endOfLog = (await watch.check(at.side, at.facts.versionNumber)).endOfLog;
        fatal ??= secondLook(watch.unmatched());
      } catch (error) {
        if (!asRowsealError(error, 'watching').retryable) fatal = error;
        else log.warn({ error: (error as Error).message }, 'the capture could not be looked at');
      }
      deliver();
      if (fatal !== null) throw fatal;
    };
    const abort = (error: unknown) => {
      fatal = error;
      link?.abort(error);
    };
    const heartbeat = createHeartbeat({
      side: at.side,
      everyMs: at.facts.inRecovery ? 0 : (options.heartbeatMs ?? 30_000),
      clock,
      idleSince: () => state.commitAt,
      log,
    });
    const catalog = createCatalog({
      side: at.side,
      publication,
      slot,
      version: at.facts.versionNumber,
      lineages: watch.lineages,
      redacted: watch.redacted,
    });
    const look = repeat(tick, options.watchMs ?? 10_000, abort);
    deliver();
    try {
      await streamFrom(
        {
          slot,
          publication,
          facts: at.facts,
          side: at.side,
          catalog,
          handler: {
            ...bound(handler),
            begin: (transaction) => {
              deliver();
              state.inTransaction = true;
              catalog.begin(transaction.position);
              handler.begin(transaction);
            },
            row: (action, relation, before, beforeIsKey, after) =>
              handler.row(action, catalog.now(relation), before, beforeIsKey, after),
            truncate: (relations, how) => handler.truncate(relations.map(catalog.now), how),
            commit: (end) => {
              handler.commit(end);
              state.inTransaction = false;
              state.commitAt = clock();
            },
          },
          clock,
          statusMs: options.statusMs ?? 5000,
          peerTimeoutMs: options.peerTimeoutMs ?? (at.facts.walSenderTimeoutMs || 60_000),
          log,
          connect: async (encoding) => {
            const first = at.client;
            at.client = null;
            return first ?? connectSession(target, 'replication', encoding);
          },
          onLink: (next) => {
            link = next;
            if (closed) void next?.end();
            if (fatal !== null) next?.abort(fatal);
            if (paused) next?.stop();
            if (acknowledged > 0n) next?.acknowledge(acknowledged);
          },
          onIdle: deliver,
          onRelation: look.soon,
        },
        startPosition(at.start),
      );
    } catch (error) {
      // What the transaction that broke off held back: it may be the reason, and no other stream may come.
      if (!closed) tell();
      throw await diagnose(error, at);
    } finally {
      state.over = true;
      look.stop();
      heartbeat.stop();
      link = null;
      await at.side.close();
    }
  };

  /** The server's words for a slot that is gone or lost, or a publication, are the same. */
  const diagnose = async (error: unknown, { side, facts }: Attached): Promise<unknown> => {
    const code = (error as { code?: string }).code ?? '';
    if (!['55000', '42704', '58P01'].includes(code)) return asRowsealError(error, 'streaming');
    const state = await readSlot(side, slot, facts.versionNumber).catch(() => undefined);
    // 58P01, undefined_file: a WAL segment that the slot needs was removed.
    const said = (error as Error).message;
    if (state === null) return new RowsealError('slot_missing', `slot ${slot}: ${said}`, { cause: error });
    const lost =
      state?.walStatus === 'lost' || (state?.invalidationReason ?? null) !== null || code === '58P01';
    if (lost) return new RowsealError('slot_lost', `slot ${slot}: ${said}`, { cause: error });
    return asRowsealError(error, 'streaming');
  };

  return {
    origin: '0/0',
    streamId: `pgoutput ${publication}`,
    inspect: () => inspectSource(opening),
    open,
    stream,
    pause: () => {
      if (paused) return;
      paused = true;
      link?.stop();
    },
    resume: () => {
      if (!paused) return;
      paused = false;
      link?.go();
    },
    acknowledge: (position) => {
      const lsn = parseLsn(position);
      if (lsn <= acknowledged) return;
      acknowledged = lsn;
      link?.acknowledge(lsn);
    },
    lag: (through) => ({
      bytes: endOfLog === null || through === null ? null : Math.max(0, Number(endOfLog - parseLsn(through))),
      heardAt: link?.heardAt() ?? null,
    }),
    health: watch.problems,
    close: async () => {
      closed = true;
      closing.abort();
      const last = attached;
      await link?.end();
      await last?.client?.end().catch(() => undefined);
      await last?.side.close();
    },
  };
}

function bound(handler: ChangeHandler): ChangeHandler {
  return {
    begin: handler.begin.bind(handler),
    row: handler.row.bind(handler),
    truncate: handler.truncate.bind(handler),
    message: handler.message.bind(handler),
    commit: handler.commit.bind(handler),
    quiet: handler.quiet.bind(handler),
    observe: handler.observe.bind(handler),
  };
}
