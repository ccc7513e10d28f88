/**
 * What is asked of a source while it runs, and outlives each of its links: wait, go on, what is durable, leave. A link
 * that comes is told at once. It must never acknowledge what the source was not told to.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Link } from './wire/link.ts';

/** How long a server that shuts down waits for our last acknowledgement before we leave. */
const LEAVE_GRACE_MS = 1500;

export class Steering {
  readonly #closing = new AbortController();
  #link: Link | null = null;
  #paused = false;
  #acknowledged = 0n;
  /** Of the stream at hand: the server goes down, and we leave in a moment. */
  #leaving = false;
  /** Why the stream at hand can't go on. */
  #fatal: unknown = null;

  /** Aborted: nobody wants anything of the source any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A stream is about to be opened: what ended the one before it is over. */
  opens(): void {
    this.#leaving = false;
    this.#fatal = null;
  }

  /** The stream has another link, or none. */
  take(link: Link | null): void {
    this.#link = link;
    if (link === null) return;
    if (this.closing.aborted) void link.end();
    if (this.#fatal !== null) link.abort(this.#fatal);
    if (this.#paused) link.stop();
    if (this.#acknowledged > 0n) link.acknowledge(this.#acknowledged);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#link?.stop();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#link?.go();
  }

  acknowledge(lsn: bigint): void {
    if (lsn <= this.#acknowledged) return;
    this.#acknowledged = lsn;
    this.#link?.acknowledge(lsn);
  }

  /** The server shuts down: it waits for us, and gets what is sealed until then. False where we leave already. */
  leaveSoon(): boolean {
    if (this.#leaving || this.closing.aborted) return false;
    this.#leaving = true;
    const error = new RowsealError('source_unreachable', 'the server is shutting down');
    setTimeout(() => void this.#link?.end(error), LEAVE_GRACE_MS).unref();
    return true;
  }

  /** The stream can't go on, on this link or another. */
  abort(error: unknown): void {
    this.#fatal = error;
    this.#link?.abort(error);
  }

  heardAt(): number | null {
    return this.#link?.heardAt() ?? null;
  }

  /** Resolves when the link took leave, its last acknowledgement sent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#link?.end();
  }
}
