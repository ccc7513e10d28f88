/**
 * The MySQL and MariaDB source: opens the binlog exactly where the trail ends, streams its changes, and watches over the
 * capture itself. It only reads. The server keeps nothing for us, and purges by time: acknowledgements stay here, where
 * they tell how near that comes.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Position } from '../../change/change.ts';
import type { ChangeSource } from '../source.ts';
import { type Attached, inspectSource, openSource } from './opening.ts';
import type { MysqlSourceOptions } from './options.ts';
import { createBacklog, type FilePlace } from './position/backlog.ts';
import { Steering } from './steering.ts';
import { type CaptureProblem, captureProblem } from './watch/settings.ts';
import { createWatch } from './watch/watch.ts';
import { type Seen, streamWatched } from './watched-stream.ts';
import { parseMysqlUrl } from './wire/connection.ts';

export type { MysqlSourceOptions } from './options.ts';

export interface MysqlSource extends ChangeSource {
  /** What is wrong with the capture right now: red health. Empty when all is well. */
  health(): readonly CaptureProblem[];
}

export function createMysqlSource(options: MysqlSourceOptions): MysqlSource {
  const { serverId, clock } = options;
  if (!Number.isInteger(serverId) || serverId < 1 || serverId > 0xffff_ffff) {
    throw new RowsealError('config_invalid', `server_id ${serverId} is not between 1 and 4294967295`);
  }
  const target = parseMysqlUrl(options.url, options.password);
  const watch = options.watch ?? createWatch({ clock, covers: options.matches });
  const opening = { target, serverId, watch, flavor: options.flavor ?? null };
  const backlog = createBacklog();
  const steering = new Steering();
  const seen: Seen = { files: [], threadsProblem: null };
  let last: { readonly attached: Attached; readonly through: Position } | null = null;

  return {
    origin: 'none',
    streamId: 'binlog',
    inspect: () => inspectSource(opening),
    open: async (resume) => {
      const { attached, opened } = await openSource(opening, resume);
      last = { attached, through: opened.start };
      seen.files = attached.look.state.files;
      if (steering.closing.aborted) await attached.side.close();
      return opened;
    },
    stream: async (handler) => {
      if (last === null) throw new RowsealError('internal', 'stream before open');
      await streamWatched({ options, target, watch, steering, backlog, seen, ...last }, handler);
    },
    pause: () => steering.pause(),
    resume: () => steering.resume(),
    acknowledge: (position) => backlog.sealed(position),
    lag: () => ({ bytes: bytesBehind(seen.files, backlog.place()), heardAt: steering.heardAt() }),
    health: () => {
      const { threadsProblem } = seen;
      return [
        ...watch.problems(),
        ...(threadsProblem === null ? [] : [captureProblem('logins_not_seen', 'threads', threadsProblem)]),
      ];
    },
    close: async () => {
      await steering.close();
      await last?.attached.side.close();
    },
  };
}

/** Bytes of the server's binary logs behind a place, as of the last look; null where files or place are not known. */
function bytesBehind(
  files: readonly { readonly name: string; readonly size: number }[],
  place: FilePlace | null,
): number | null {
  const at = place === null ? -1 : files.findIndex(({ name }) => name === place.file);
  if (place === null || at < 0) return null;
  const whole = files.slice(at).reduce((sum, { size }) => sum + size, 0);
  return Math.max(0, whole - place.position);
}
