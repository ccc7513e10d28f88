/**
 * The Postgres source: opens a slot exactly where the trail ends, streams its changes, keeps an idle slot moving
 * and watches over the capture itself. It reads; the only things it ever writes to the database are the slot and
 * heartbeat messages. It never acknowledges what it was not told to.
 */
import { RowsealError } from '../../base/errors.ts';
import type { ChangeSource } from '../source.ts';
import { type Attached, inspectSource, type OpeningParts, openSource } from './opening.ts';
import type { PostgresSourceOptions } from './options.ts';
import { Steering } from './steering.ts';
import { type CaptureProblem, createWatch } from './watch/watch.ts';
import { streamWatched } from './watched-stream.ts';
import { parsePostgresUrl } from './wire/connection.ts';
import { parseLsn } from './wire/lsn.ts';

export type { PostgresSourceOptions } from './options.ts';

export interface PostgresSource extends ChangeSource {
  /** What is wrong with the capture right now: red health. Empty when all is well. */
  health(): readonly CaptureProblem[];
}

export function createPostgresSource(options: PostgresSourceOptions): PostgresSource {
  const { slot, publication, log } = options;
  if (!/^[a-z0-9_]{1,63}$/.test(slot)) {
    throw new RowsealError('config_invalid', `the slot's name ${slot} is not made of [a-z0-9_]`);
  }
  const target = parsePostgresUrl(options.url, options.password);
  const watch = options.watch ?? createWatch({ slot, publication, matches: options.matches });
  const steering = new Steering();
  let attached: Attached | null = null;
  let endOfLog: bigint | null = null;

  const opening: OpeningParts = {
    target,
    slot,
    publication,
    failover: options.failover === true,
    watch,
    log,
    onLeave: () => {
      if (steering.leaveSoon()) log.info({ slot }, 'the server is shutting down');
    },
    signal: steering.closing,
  };

  return {
    origin: '0/0',
    streamId: `pgoutput ${publication}`,
    inspect: () => inspectSource(opening),
    open: async (resume) => {
      steering.opens();
      const { attached: now, opened } = await openSource(opening, resume);
      attached = now;
      endOfLog = now.endOfLog;
      if (resume.through !== null && opened.gap === null) steering.acknowledge(parseLsn(resume.through));
      return opened;
    },
    stream: async (handler) => {
      if (attached === null) throw new RowsealError('internal', 'stream before open');
      const sawEnd = (end: bigint | null) => {
        endOfLog = end;
      };
      await streamWatched({ options, target, watch, steering, attached, sawEnd }, handler);
    },
    pause: () => steering.pause(),
    resume: () => steering.resume(),
    acknowledge: (position) => steering.acknowledge(parseLsn(position)),
    lag: (through) => ({
      bytes: endOfLog === null || through === null ? null : Math.max(0, Number(endOfLog - parseLsn(through))),
      heardAt: steering.heardAt(),
    }),
    health: watch.problems,
    close: async () => {
      const last = attached;
      await steering.close();
      await last?.client?.end().catch(() => undefined);
      await last?.side.close();
    },
  };
}
