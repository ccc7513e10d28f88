/**
 * The replication link: START_REPLICATION on a socket that was taken over, then CopyData in (manual: "Streaming
 * Replication Protocol"), status updates out. It acknowledges exactly what it was told, on a timer that goes on
 * while reading is paused, and never by itself.
 */
import type { Duplex } from 'node:stream';
import { RowsealError } from '../../base/errors.ts';
import { createFrameReader } from './frames.ts';

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

const MICROS_1970_TO_2000 = 946_684_800_000_000n;
const LEAVE_MS = 3000;

export function startReplication(options: LinkOptions): Link {
  const { socket, clock } = options;
  let stops = 0;
  let heardAt = clock();
  let sentAt = heardAt;
  let acknowledged = 0n;
  let ending = false;
  let endReason: RowsealError | undefined;
  let settled = false;
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  done.catch(() => undefined); // whoever streams awaits it; a link that is dropped while opening has no such

  const fail = (error: unknown) => {
    if (settled) return;
    settled = true;
    clearInterval(timer);
    socket.destroy();
    if (!ending) reject(error);
    else if (endReason !== undefined) reject(endReason);
    else resolve();
  };
  const status = (ask: boolean) => {
    if (settled || !socket.writable) return;
    sentAt = clock();
    socket.write(statusUpdate(acknowledged, sentAt, ask));
  };

  const reader = createFrameReader((type, bytes, start, end) => {
    if (settled || ending) return;
    switch (type) {
      case 0x64: // CopyData
        return copyData(bytes, start, end);
      case 0x45: // ErrorResponse
        return fail(errorFields(bytes, start, end));
      case 0x57: // CopyBothResponse
      case 0x4e: // NoticeResponse
      case 0x53: // ParameterStatus
        return;
      case 0x63: // CopyDone
      case 0x43: // CommandComplete
      case 0x5a: // ReadyForQuery
        return fail(new RowsealError('source_unreachable', 'the server ended the stream'));
      default:
        throw new RowsealError('stream_not_understood', `the server sent a message of type ${type}`);
    }
  });

  const copyData = (bytes: Buffer, start: number, end: number) => {
    const kind = bytes[start];
    if (kind === 0x77 && end - start >= 25) options.onMessage(bytes, start + 25, end);
    else if (kind === 0x6b && end - start === 18) {
      const asked = bytes[start + 17] === 1;
      options.onKeepalive(bytes.readBigUInt64BE(start + 1), asked);
      if (asked) status(false);
    } else throw new RowsealError('stream_not_understood', `copy data of kind ${kind}, ${end - start} bytes`);
  };

  const guarded = (step: () => void) => {
    try {
      step();
    } catch (error) {
      fail(error);
    }
  };

  socket.removeAllListeners('error');
  socket.on('error', fail);
  const gone = () => fail(new RowsealError('source_unreachable', 'the connection was closed'));
  socket.on('end', gone); // whoever took the socket over took Node's own answer to it away
  socket.on('close', gone);
  socket.on('data', (chunk: Buffer) => {
    heardAt = clock();
    if (!ending && !settled) guarded(() => reader.push(chunk));
  });
  const timer = setInterval(
    () => {
      const state = { ...options, heardAt, sentAt, stopped: stops > 0 };
      const todo = keepalive(clock(), state);
      if (todo === 'reconnect') {
        const seconds = Math.round(options.peerTimeoutMs / 1000);
        fail(new RowsealError('source_unreachable', `nothing was heard from the server for ${seconds} s`));
      } else if (todo !== 'none') status(todo === 'ask');
    },
    Math.max(10, options.statusMs / 4),
  );
  socket.write(simpleQuery(startCommand(options)));
  socket.resume();

  return {
    done,
    stop: () => {
      if (++stops > 1) return;
      reader.hold();
      socket.pause();
    },
    go: () => {
      if (--stops > 0) return;
      heardAt = clock(); // silence counts from now on
      guarded(() => reader.release());
      if (stops === 0 && !settled) socket.resume();
    },
    acknowledge: (position) => {
      if (position <= acknowledged) return;
      acknowledged = position;
      status(false);
    },
    heardAt: () => heardAt,
    abort: fail,
    end: async (reason) => {
      if (settled || ending) return;
      ending = true;
      endReason = reason;
      clearInterval(timer);
      status(false);
      const closed = new Promise<void>((gone) => socket.once('close', () => gone()));
      socket.end(Buffer.from([0x58, 0, 0, 0, 4])); // Terminate
      socket.resume(); // what still comes is thrown away: a server that can't write would not read
      const late = setTimeout(() => socket.destroy(), LEAVE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}

function startCommand({ slot, start, plugin }: LinkOptions): string {
  const names = Object.entries(plugin).map(([name, value]) => `"${name}" '${value.replaceAll("'", "''")}'`);
  const lsn = `${(start >> 32n).toString(16)}/${(start & 0xffffffffn).toString(16)}`;
  return `START_REPLICATION SLOT "${slot}" LOGICAL ${lsn} (${names.join(', ')})`;
}

function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.from([0x51, 0, 0, 0, 0]);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Standby status update: written, flushed and applied are the same to us. */
function statusUpdate(position: bigint, now: number, ask: boolean): Buffer {
  const bytes = Buffer.alloc(39);
  bytes[0] = 0x64;
  bytes.writeInt32BE(38, 1);
  bytes[5] = 0x72;
  for (const offset of [6, 14, 22]) bytes.writeBigUInt64BE(position, offset);
  bytes.writeBigInt64BE(BigInt(Math.trunc(now)) * 1000n - MICROS_1970_TO_2000, 30);
  bytes[38] = ask ? 1 : 0;
  return bytes;
}

/** ErrorResponse as an error like the driver's: severity, code (SQLSTATE), message. */
function errorFields(bytes: Buffer, start: number, end: number): Error {
  const fields: Record<string, string> = {};
  for (const field of bytes.toString('utf8', start, end).split('\0')) {
    if (field !== '') fields[field.charAt(0)] = field.slice(1);
  }
  const error = new Error(fields['M'] ?? 'an error without a message');
  return Object.assign(error, {
    severity: fields['V'] ?? fields['S'] ?? 'ERROR',
    code: fields['C'] ?? 'XX000',
  });
}
