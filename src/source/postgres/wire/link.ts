/**
 * The replication link: START_REPLICATION on a socket that was taken over, then CopyData in (manual: "Streaming
 * Replication Protocol"), status updates out. It acknowledges exactly what it was told, on a timer that goes on
 * while reading is paused, and never by itself.
 */
import type { Duplex } from 'node:stream';
import { RowsealError } from '../../../base/errors.ts';
import { createFrameReader, type FrameReader } from './frames.ts';
import { errorFields, startCommand, statusUpdate, terminate } from './replication-messages.ts';

export interface LinkOptions {
  readonly socket: Duplex;
  readonly slot: string;
  readonly start: bigint;
  /** pgoutput's options: name and value. */
  readonly plugin: Readonly<Record<string, string>>;
  /** A status update goes out at least so often. */
  readonly statusMs: number;
  /** The peer counts as dead when nothing was heard for so long, though asked. */
  readonly peerTimeoutMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly onMessage: (bytes: Buffer, start: number, end: number) => void;
  /** Everything before this position was sent. `asked`: the server wants an answer; it gets one by itself. */
  readonly onKeepalive: (position: bigint, asked: boolean) => void;
}

export interface Link {
  /** Resolves after `end`; rejects with the server's error (severity, code, message) or a RowsealError. */
  readonly done: Promise<void>;
  /** Nothing is handed over until `go`. May be called from within onMessage. Counted: two stops need two go's. */
  stop(): void;
  go(): void;
  /** Everything before `position` may be forgotten by the server. */
  acknowledge(position: bigint): void;
  heardAt(): number;
  /** Gives up at once: `done` rejects with the error. */
  abort(error: unknown): void;
  /**
   * Sends the last acknowledgement and takes leave; resolves when the socket is closed. `done` then rejects with
   * the reason, or resolves where there is none.
   */
  end(reason?: RowsealError): Promise<void>;
}

export interface LinkState {
  readonly heardAt: number;
  readonly sentAt: number;
  /** We don't read, so hearing nothing says nothing. */
  readonly stopped: boolean;
  readonly statusMs: number;
  readonly peerTimeoutMs: number;
}

/** What the timer does: nothing, a status update, one that asks for an answer, or give the peer up. */
export function keepalive(now: number, link: LinkState): 'none' | 'reply' | 'ask' | 'reconnect' {
  const silent = link.stopped ? 0 : now - link.heardAt;
  if (silent >= link.peerTimeoutMs) return 'reconnect';
  if (now - link.sentAt < link.statusMs) return 'none';
  return silent >= link.peerTimeoutMs / 2 ? 'ask' : 'reply';
}

const LEAVE_MS = 3000;

export function startReplication(options: LinkOptions): Link {
  const link = new ReplicationLink(options);
  link.start();
  return link;
}

class ReplicationLink implements Link {
  readonly done: Promise<void>;
  readonly #options: LinkOptions;
  readonly #reader: FrameReader;
  readonly #outcome = Promise.withResolvers<void>();
  /** `leaving`: what still comes is thrown away. `over`: `done` is settled, and the socket goes or is gone. */
  #phase: 'streaming' | 'leaving' | 'over' = 'streaming';
  #leaveReason: RowsealError | undefined;
  #stops = 0;
  #heardAt: number;
  #sentAt: number;
  #acknowledged = 0n;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#reader = createFrameReader((type, bytes, start, end) => this.#frame(type, bytes, start, end));
    this.#heardAt = options.clock();
    this.#sentAt = this.#heardAt;
    this.done = this.#outcome.promise;
    this.done.catch(() => undefined); // whoever streams awaits it; a link that is dropped while opening has no such
  }

  start(): void {
    const { socket, clock, slot, start, plugin, statusMs } = this.#options;
    socket.removeAllListeners('error');
    socket.on('error', (error) => this.abort(error));
    const gone = () => this.abort(new RowsealError('source_unreachable', 'the connection was closed'));
    socket.on('end', gone); // whoever took the socket over took Node's own answer to it away
    socket.on('close', gone);
    socket.on('data', (chunk: Buffer) => {
      this.#heardAt = clock();
      if (this.#phase === 'streaming') this.#guarded(() => this.#reader.push(chunk));
    });
    this.#timer = setInterval(() => this.#tick(), Math.max(10, statusMs / 4));
    socket.write(startCommand(slot, start, plugin));
    socket.resume();
  }

  stop(): void {
    if (++this.#stops > 1) return;
    this.#reader.hold();
    this.#options.socket.pause();
  }

  go(): void {
    if (--this.#stops > 0) return;
    this.#heardAt = this.#options.clock(); // silence counts from now on
    this.#guarded(() => this.#reader.release());
    if (this.#stops === 0 && this.#phase !== 'over') this.#options.socket.resume();
  }

  acknowledge(position: bigint): void {
    if (position <= this.#acknowledged) return;
    this.#acknowledged = position;
    this.#status(false);
  }

  heardAt(): number {
    return this.#heardAt;
  }

  abort(error: unknown): void {
    if (this.#phase === 'over') return;
    const leaving = this.#phase === 'leaving';
    this.#phase = 'over';
    clearInterval(this.#timer);
    this.#options.socket.destroy();
    if (!leaving) this.#outcome.reject(error);
    else if (this.#leaveReason !== undefined) this.#outcome.reject(this.#leaveReason);
    else this.#outcome.resolve();
  }

  async end(reason?: RowsealError): Promise<void> {
    if (this.#phase !== 'streaming') return;
    const { socket } = this.#options;
    this.#phase = 'leaving';
    this.#leaveReason = reason;
    clearInterval(this.#timer);
    this.#status(false);
    const closed = new Promise<void>((gone) => socket.once('close', () => gone()));
    socket.end(terminate());
    socket.resume(); // what still comes is thrown away: a server that can't write would not read
    const late = setTimeout(() => socket.destroy(), LEAVE_MS);
    await closed;
    clearTimeout(late);
  }

  #frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#phase !== 'streaming') return;
    switch (type) {
      case 0x64: // CopyData
        this.#copyData(bytes, start, end);
        break;
      case 0x45: // ErrorResponse
        this.abort(errorFields(bytes, start, end));
        break;
      case 0x57: // CopyBothResponse
      case 0x4e: // NoticeResponse
      case 0x53: // ParameterStatus
        break;
      case 0x63: // CopyDone
      case 0x43: // CommandComplete
      case 0x5a: // ReadyForQuery
        this.abort(new RowsealError('source_unreachable', 'the server ended the stream'));
        break;
      default:
        throw new RowsealError('stream_not_understood', `the server sent a message of type ${type}`);
    }
  }

  #copyData(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start];
    if (kind === 0x77 && end - start >= 25) this.#options.onMessage(bytes, start + 25, end);
    else if (kind === 0x6b && end - start === 18) {
      const asked = bytes[start + 17] === 1;
      this.#options.onKeepalive(bytes.readBigUInt64BE(start + 1), asked);
      if (asked) this.#status(false);
    } else throw new RowsealError('stream_not_understood', `copy data of kind ${kind}, ${end - start} bytes`);
  }

  #tick(): void {
    const { clock, statusMs, peerTimeoutMs } = this.#options;
    const todo = keepalive(clock(), {
      heardAt: this.#heardAt,
      sentAt: this.#sentAt,
      stopped: this.#stops > 0,
      statusMs,
      peerTimeoutMs,
    });
    if (todo === 'reconnect') {
      const seconds = Math.round(peerTimeoutMs / 1000);
      this.abort(
        new RowsealError('source_unreachable', `nothing was heard from the server for ${seconds} s`),
      );
    } else if (todo !== 'none') this.#status(todo === 'ask');
  }

  #status(ask: boolean): void {
    const { socket, clock } = this.#options;
    if (this.#phase === 'over' || !socket.writable) return;
    this.#sentAt = clock();
    socket.write(statusUpdate(this.#acknowledged, this.#sentAt, ask));
  }

  /** Whatever is thrown on the way, here or by who is told, ends the link. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.abort(error);
    }
  }
}
