/**
 * The contract of a change source: changes out, acknowledgements in, nothing else. A source never decides
 * what is durable, never skips what it does not understand (it stops), and never acknowledges by itself.
 */
import type { ChangeHandler, Position } from '../change/change.ts';
import type { Known } from '../change/known.ts';

/** What the genesis and lifecycle records say of the source; JSON-safe, no secrets. */
export interface SourceIdentity {
  readonly type: 'postgres' | 'mysql' | 'mariadb';
  /** Changes when another server (or another incarnation of it) answers: system identifier and timeline. */
  readonly incarnation: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Resume {
  /** The head seal's `through`; null when the trail holds no position yet (a new trail). */
  readonly through: Position | null;
  /** Commit position of the transaction that the head seal ends inside of: it lies behind `through`. */
  readonly partial?: Position | null;
  /** Incarnation that the trail last saw; null for a new trail. */
  readonly incarnation: string | null;
  /** Position that the operator accepted with --accept-gap, if any. */
  readonly acceptGap: Position | null;
  /** What the trail knew of the capture, where it did. */
  readonly known?: Known;
}

export interface Opened {
  readonly identity: SourceIdentity;
  /** Where the stream starts. */
  readonly start: Position;
  /** The hole that the operator accepted, for the trail to say. */
  readonly gap: { readonly from: Position; readonly to: Position; readonly reason: string } | null;
}

export interface ChangeSource {
  /** The position before all others, which seal 0 of a new trail carries (Postgres: `0/0`). */
  readonly origin: Position;
  /** What decides which events the server delivers, such as `pgoutput rowseal`; sealed beside the position. */
  readonly streamId: string;

  /**
   * Looks at the server without changing anything: who it is, and what it holds for this trail already
   * (`held`: words for people, such as `Slot rowseal`; null where it holds nothing).
   */
  inspect(): Promise<{ identity: SourceIdentity; held: string | null }>;

  /**
   * Connects, checks that the stream can continue exactly at `resume.through`, and prepares to stream.
   * Creates what the source needs (a slot) only when `resume.through` is null.
   * Throws RowsealError: retryable (`source_unreachable`, `slot_in_use`) or not (`slot_lost`, `slot_moved`…).
   * Resolves with the position the stream starts at; equals `through` unless a gap was accepted or the trail is new.
   */
  open(resume: Resume): Promise<Opened>;

  /**
   * Streams to the handler until `close` (resolves) or an error (rejects). Call after `open`.
   * Calls the handler synchronously; honours `pause` after at most one network chunk (64 KiB) more.
   */
  stream(handler: ChangeHandler): Promise<void>;

  /** Stops reading from the server; status updates and keepalives go on. */
  pause(): void;
  resume(): void;

  /**
   * Everything before `position` is durable: the server may forget it. Must only be called with the
   * `through` of a durable seal. Idempotent; never moves back.
   */
  acknowledge(position: Position): void;

  /** Position of the server's end of log as last heard, and bytes between it and `through`; for metrics. */
  lag(through: Position | null): { readonly bytes: number | null; readonly heardAt: number | null };

  /** Sends the last acknowledgement, ends the connection. Idempotent. */
  close(): Promise<void>;
}
