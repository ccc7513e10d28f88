/**
 * What is asked of a source while it runs, and outlives each of its links: wait, go on, leave. A link that comes is told
 * at once. Nothing is told to the server: it keeps nothing for us.
 */
import type { Link } from './wire/link.ts';

export class Steering {
  readonly #closing = new AbortController();
  #link: Link | null = null;
  /** Stands while nothing more may come. */
  #held: PromiseWithResolvers<void> | null = null;

  /** Aborted: nobody wants anything of the source any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The stream has a link, or none any more. */
  take(link: Link | null): void {
    this.#link = link;
    if (link === null) return;
    if (this.closing.aborted) void link.end();
    if (this.#held !== null) link.stop();
  }

  pause(): void {
    if (this.#held !== null) return;
    this.#held = Promise.withResolvers<void>();
    this.#link?.stop();
  }

  resume(): void {
    if (this.#held === null) return;
    this.#held.resolve();
    this.#link?.go();
    this.#held = null;
  }

  /** Settles when more may come; asked inside of what comes as one event but is many. */
  ready(): Promise<void> | undefined {
    return this.#held?.promise;
  }

  heardAt(): number | null {
    return this.#link?.heardAt() ?? null;
  }

  /** Resolves when the link took leave. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#link?.end();
  }
}
