/**
 * Keeps the slot of an idle database moving while its neighbours in the cluster write: a small transactional
 * message when no transaction came for a while (a non-transactional one would not move restart_lsn). It writes
 * nothing else.
 */
import type { SideSession } from '../wire/sessions.ts';

export interface Heartbeat {
  stop(): void;
}

export function createHeartbeat(parts: {
  readonly side: SideSession;
  /** 0: never. */
  readonly everyMs: number;
  readonly clock: () => number;
  /** When the last transaction was seen. */
  readonly idleSince: () => number;
  readonly log: { warn(details: object, text: string): void };
}): Heartbeat {
  const { side, everyMs, clock } = parts;
  let sentAt = clock();
  let call: string | null = null;
  let running = false;
  if (everyMs === 0) return { stop: () => undefined };

  const beat = async () => {
    if (call === null) {
      const [row] = await side.query(`select to_regprocedure('rowseal.heartbeat()') is not null as kit`);
      const direct = `select pg_logical_emit_message(true, 'rowseal.heartbeat', '')`;
      call = row?.['kit'] === 't' ? 'select rowseal.heartbeat()' : direct;
    }
    await side.query(call);
  };
  const timer = setInterval(
    async () => {
      const since = Math.max(parts.idleSince(), sentAt);
      if (running || clock() - since < everyMs) return;
      running = true;
      sentAt = clock();
      try {
        await beat();
      } catch (error) {
        call = null;
        parts.log.warn(
          { error: (error as Error).message },
          'the heartbeat failed: the slot of an idle database stands',
        );
      } finally {
        running = false;
      }
    },
    Math.max(20, everyMs / 4),
  );
  return { stop: () => clearInterval(timer) };
}
