/**
 * How a binlog link ends, once: by an error of whoever reads or feeds it, or by leave. It must never settle twice, nor
 * keep the socket open behind its end; and a server's session must not outlive the leave for long.
 */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { asRowsealError } from './failure.ts';

export interface LinkEnding {
  /** Resolves after `leave` without an error; else rejects with a RowsealError. */
  readonly done: Promise<void>;
  readonly settled: boolean;
  /** Settled, or taking leave: what arrives is not wanted any more. */
  readonly over: boolean;
  /** Settles at once; where leave is being taken already, as that says. */
  fail(error: unknown): void;
  /** Takes leave; resolves when the socket is closed and the server has let go. Does nothing where it is over. */
  leave(error?: unknown): Promise<void>;
}

export interface LinkEndingParts {
  readonly socket: Duplex;
  /** Ends our session on the server; may fail. */
  readonly kill: () => Promise<void> | undefined;
  /** Nothing is waited for any more: called when it is over, maybe twice. */
  readonly onOver: () => void;
}

/** How long the server may take to end our session. */
const LEAVE_MS = 2000;

export function createLinkEnding({ socket, kill, onOver }: LinkEndingParts): LinkEnding {
  let leaving: { readonly error: unknown } | null = null;
  let settled = false;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  done.catch(() => undefined); // whoever streams awaits it; a link that is dropped while opening has no such

  const fail = (error: unknown): void => {
    if (settled) return;
    settled = true;
    onOver();
    socket.destroy();
    const reason = leaving === null ? error : leaving.error;
    if (reason === undefined) resolve();
    else reject(asRowsealError(reason, 'streaming'));
  };

  return {
    done,
    get settled() {
      return settled;
    },
    get over() {
      return settled || leaving !== null;
    },
    fail,
    leave: async (error) => {
      if (settled || leaving !== null) return;
      leaving = { error };
      onOver();
      const closed = new Promise<void>((closing) => socket.once('close', () => closing()));
      // A dump thread reads nothing: it learns of our leave when it is killed, or fails to write the next heartbeat.
      const killed = kill()?.catch(() => undefined);
      await Promise.race([killed, sleep(LEAVE_MS, undefined, { ref: false })]);
      fail(error);
      await closed;
    },
  };
}
