/**
 * A stream with what goes along with it: the catalog that its relations are looked up in, the heartbeat, looks at the
 * capture, and what they find told between transactions. It ends all of that with itself, and says why it ended.
 */
import type { RowsealError } from '../../base/errors.ts';
import type { ChangeHandler } from '../../change/change.ts';
import { createNews, type News } from '../news.ts';
import { createSecondLook } from '../second-look.ts';
import { type Catalog, createCatalog } from './catalog/catalog.ts';
import { type Attached, explainRefusal } from './opening.ts';
import type { PostgresSourceOptions } from './options.ts';
import type { Steering } from './steering.ts';
import { startPosition, streamFrom } from './stream.ts';
import { createHeartbeat } from './watch/heartbeat.ts';
import { repeat } from './watch/repeat.ts';
import type { Watch } from './watch/watch.ts';
import type { ConnectionTarget } from './wire/connection.ts';
import { asRowsealError } from './wire/failure.ts';
import { connectSession } from './wire/sessions.ts';

export interface WatchedStreamParts {
  readonly options: PostgresSourceOptions;
  readonly target: ConnectionTarget;
  readonly watch: Watch;
  readonly steering: Steering;
  readonly attached: Attached;
  /** A look saw where the log ends. */
  readonly sawEnd: (endOfLog: bigint | null) => void;
}

/** Resolves when the source was closed. */
export async function streamWatched(parts: WatchedStreamParts, handler: ChangeHandler): Promise<void> {
  const { options, watch, steering, attached } = parts;
  const { slot, publication, log, clock } = options;
  const { side, facts } = attached;
  const news = createNews(watch, handler);
  let idleSince = clock();
  const heartbeat = createHeartbeat({
    side,
    everyMs: facts.inRecovery ? 0 : (options.heartbeatMs ?? 30_000),
    clock,
    idleSince: () => idleSince,
    log,
  });
  const catalog = createCatalog({
    side,
    publication,
    slot,
    version: facts.versionNumber,
    lineages: watch.lineages,
    redacted: watch.redacted,
  });
  const look = repeat(createLook(parts, news.deliver), options.watchMs ?? 10_000, (error) =>
    steering.abort(error),
  );
  const committed = () => {
    idleSince = clock();
  };
  news.deliver();
  try {
    await streamFrom(
      {
        slot,
        publication,
        facts,
        side,
        catalog,
        handler: newsBetween(handler, news, catalog, committed),
        clock,
        statusMs: options.statusMs ?? 5000,
        peerTimeoutMs: options.peerTimeoutMs ?? (facts.walSenderTimeoutMs || 60_000),
        log,
        connect: async (encoding) => {
          const first = attached.client;
          attached.client = null;
          return first ?? connectSession(parts.target, 'replication', encoding);
        },
        onLink: (link) => steering.take(link),
        onIdle: news.deliver,
        onRelation: look.soon,
      },
      startPosition(attached.start),
    );
  } catch (error) {
    // What the transaction that broke off held back: it may be the reason, and no other stream may come.
    if (!steering.closing.aborted) news.tell();
    throw await explainRefusal(error, attached, slot);
  } finally {
    news.close();
    look.stop();
    heartbeat.stop();
    steering.take(null);
    await side.close();
  }
}

/** A look at the capture; throws where the stream must not go on. */
function createLook(
  { options, watch, attached, sawEnd }: WatchedStreamParts,
  deliver: () => void,
): () => Promise<void> {
  const secondLook = createSecondLook<RowsealError>();
  return async () => {
    let fatal: unknown = null;
    try {
      sawEnd((await watch.check(attached.side, attached.facts.versionNumber)).endOfLog);
      fatal = secondLook(watch.unmatched());
    } catch (error) {
      if (!asRowsealError(error, 'watching').retryable) fatal = error;
      else options.log.warn({ error: (error as Error).message }, 'the capture could not be looked at');
    }
    deliver();
    if (fatal !== null) throw fatal;
  };
}

/** The handler, with news between its transactions, and relations as of each transaction. */
function newsBetween(
  handler: ChangeHandler,
  news: News,
  catalog: Catalog,
  committed: () => void,
): ChangeHandler {
  return {
    begin: (transaction) => {
      news.begin();
      catalog.begin(transaction.position);
      handler.begin(transaction);
    },
    row: (action, relation, before, beforeIsKey, after) =>
      handler.row(action, catalog.now(relation), before, beforeIsKey, after),
    truncate: (relations, how) => handler.truncate(relations.map(catalog.now), how),
    message: handler.message.bind(handler),
    commit: (end) => {
      handler.commit(end);
      news.end();
      committed();
    },
    quiet: handler.quiet.bind(handler),
    observe: handler.observe.bind(handler),
  };
}
