/**
 * The binlog link: a session that registers as a replica (protocol: "COM_REGISTER_SLAVE", "COM_BINLOG_DUMP",
 * "COM_BINLOG_DUMP_GTID") and then only listens. It hands events over as they come, and holds the socket back while
 * somebody needs time. The server is told nothing: it keeps nothing for us. Never semi-synchronous, since a commit must
 * not wait for us.
 */
import type { Duplex } from 'node:stream';
import { RowsealError } from '../../../base/errors.ts';
import type { Flavor } from '../bytes/flavor.ts';
import { takeClaim } from './claim.ts';
import type { ConnectionTarget } from './connection.ts';
import { asRowsealError } from './failure.ts';
import { createLinkEnding, type LinkEnding } from './link-ending.ts';
import { createLinkHearing } from './link-hearing.ts';
import {
  commandPacket,
  createPacketReader,
  dumpCommand,
  dumpGtidCommand,
  type PacketReader,
  readErrorPacket,
  registerCommand,
} from './packets.ts';
import { connectSession } from './sessions.ts';
import { takeSocket } from './takeover.ts';

/**
 * One binlog event, header and checksum included, without the packet's OK byte. Valid during the call, or until the
 * promise is settled. A promise holds the socket; what has arrived already waits.
 */
export type OnEvent = (event: Buffer) => Promise<void> | undefined;

export type Start =
  | {
      readonly by: 'gtid';
      /** MySQL: a GTID set; MariaDB: a position such as `0-1-5,1-1-3`. */
      readonly set: string;
    }
  | { readonly by: 'file'; readonly file: string; readonly position: number };

export interface DumpOptions {
  readonly target: ConnectionTarget;
  readonly flavor: Flavor;
  /** Ours; no other replica of this server may have it. */
  readonly serverId: number;
  readonly start: Start;
  /** MySQL's wire form of the set to start behind (gtid.ts). */
  readonly encodeSet: (set: string) => Buffer;
  readonly onEvent: OnEvent;
  /** Milliseconds of quiet after which the server sends a heartbeat. */
  readonly heartbeatMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Ends the session `threadId` on the server, which else keeps our dump until it next fails to write. */
  readonly kill?: (threadId: number) => Promise<void>;
}

export interface Link {
  /** The server's number of our session. */
  readonly threadId: number;
  /** Resolves after `end` without an error; else rejects with a RowsealError. `details.errno`: the server's. */
  readonly done: Promise<void>;
  /** Nothing is handed over until `go`. Counted: two stops need two go's. */
  stop(): void;
  go(): void;
  heardAt(): number;
  /** Gives up at once: `done` rejects with the error. */
  abort(error: unknown): void;
  /** Takes leave; resolves when the socket is closed and the server has let go. */
  end(error?: unknown): Promise<void>;
}

/** How many heartbeats may be missed. */
const MISSED = 3;
/** How long the server may take to answer a command. */
const ANSWER_MS = 30_000;

/** Throws RowsealError. What the server refuses later (error 1236) rejects `done`. */
export async function startDump(options: DumpOptions): Promise<Link> {
  const session = await connectSession(options.target);
  try {
    await takeClaim(session, options.serverId);
    for (const text of settings(options)) await session.query(text);
  } catch (error) {
    session.connection.destroy();
    throw asRowsealError(error, 'preparing the stream');
  }
  return listen(options, takeSocket(session.connection), session.threadId);
}

export interface Silence {
  readonly heardAt: number;
  /** When this was last looked at: if that is long ago, it is we who were busy. */
  readonly lookedAt: number;
  /** We don't read, so hearing nothing says nothing. */
  readonly stopped: boolean;
  readonly heartbeatMs: number;
}

/** What a look at the clock finds: the server is there, it is gone, or we could not have heard it. */
export function silence(now: number, link: Silence): 'there' | 'gone' | 'unknown' {
  if (link.stopped || now - link.lookedAt > link.heartbeatMs) return 'unknown';
  return now - link.heardAt > MISSED * link.heartbeatMs ? 'gone' : 'there';
}

/** The same after every restart, so that a dump of ours that the server still holds is replaced, not doubled. */
export function replicaUuid(serverId: number): string {
  return `726f7773-6561-4c00-8000-${serverId.toString(16).padStart(12, '0')}`;
}

/** What COM_REGISTER_SLAVE calls us. */
export const REPLICA_HOST = 'rowseal';

/** A byte that says OK, then the event, whose header has its size. */
function announcedBytes(payload: Buffer): number {
  return 1 + payload.readUInt32LE(1 + 9);
}

/** User variables that the dump thread reads (MySQL: sql/rpl_binlog_sender.cc; MariaDB: "Replication Protocol"). */
function settings({ flavor, serverId, start, heartbeatMs }: DumpOptions): string[] {
  const nanoseconds = Math.round(heartbeatMs) * 1_000_000;
  const uuid = replicaUuid(serverId);
  const both = [
    // Both names: 8.0.26 renamed them, and an unknown user variable harms nobody. What we can check, whatever the setting
    // is now: each file says for itself whether its events have checksums, and older ones may differ from it.
    `SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'`,
    `SET @master_heartbeat_period = ${nanoseconds}, @source_heartbeat_period = ${nanoseconds}`,
    `SET @slave_uuid = '${uuid}', @replica_uuid = '${uuid}'`,
  ];
  if (flavor === 'mysql') return both;
  // 4: knows GTIDs; less, and the server would leave events out or dress them up for us.
  const mariadb = [...both, 'SET @mariadb_slave_capability = 4'];
  if (start.by === 'file') return mariadb;
  if (!/^(\d+-\d+-\d+(,\d+-\d+-\d+)*)?$/.test(start.set)) {
    throw new RowsealError('trail_invalid', `the position ${start.set} is not one of MariaDB`);
  }
  // Strict: an error rather than another place where the position lies in nobody's past.
  return [
    ...mariadb,
    `SET @slave_connect_state = '${start.set}', @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0`,
  ];
}

function dumpPacket({ flavor, serverId, start, encodeSet }: DumpOptions): Buffer {
  if (start.by === 'file') return dumpCommand(serverId, start.file, start.position, flavor === 'mariadb');
  // With @slave_connect_state MariaDB ignores file and position.
  if (flavor === 'mariadb') return dumpCommand(serverId, '', 4, true);
  return dumpGtidCommand(serverId, encodeSet(start.set));
}

function listen(options: DumpOptions, socket: Duplex, threadId: number): Link {
  let stops = 0;
  const ending = createLinkEnding({
    socket,
    kill: () => options.kill?.(threadId),
    onOver: () => hearing.end(),
  });
  const { fail } = ending;
  const hearing = createLinkHearing({
    clock: options.clock,
    everyMs: Math.max(10, options.heartbeatMs / 4),
    judge: (now, heardAt, lookedAt) =>
      silence(now, { heardAt, lookedAt, stopped: stops > 0, heartbeatMs: dialogue.quietMs() }),
    onGone: (silentMs) => fail(goneSilent(silentMs)),
  });
  const event = (bytes: Buffer) => {
    const busy = options.onEvent(bytes);
    if (busy === undefined) return;
    stop();
    busy.then(go, fail);
  };
  const dialogue = createDialogue(options, socket, ending, event);
  const { reader } = dialogue;
  const guarded = (step: () => void) => {
    try {
      step();
    } catch (error) {
      fail(error);
    }
  };
  const stop = () => {
    if (++stops > 1) return;
    reader.hold();
    socket.pause();
  };
  const go = () => {
    if (--stops > 0) return;
    hearing.restart();
    guarded(() => reader.release());
    if (stops === 0 && !ending.settled) socket.resume();
  };

  onClosing(socket, fail);
  socket.on('data', (chunk: Buffer) => {
    hearing.heard();
    if (!ending.over) guarded(() => reader.push(chunk));
  });
  dialogue.register();
  socket.resume();

  return {
    threadId,
    done: ending.done,
    stop,
    go,
    heardAt: hearing.heardAt,
    abort: (error) => fail(error ?? new RowsealError('internal', 'aborted without a reason')),
    end: ending.leave,
  };
}

interface Dialogue {
  readonly reader: PacketReader;
  /** Begins it. */
  register(): void;
  /** Milliseconds of quiet that are usual now. */
  quietMs(): number;
}

/** What is said, in its order: we register and are answered, we ask for the dump, and then only the server speaks. */
function createDialogue(
  options: DumpOptions,
  socket: Duplex,
  ending: LinkEnding,
  onEvent: (bytes: Buffer) => void,
): Dialogue {
  const { serverId, heartbeatMs } = options;
  let registered = false;

  const onPacket = (bytes: Buffer, start: number, end: number) => {
    if (ending.over) return;
    if (bytes[start] !== 0x00) {
      const doing = registered ? 'reading the binlog' : `registering as replica ${serverId}`;
      return ending.fail(refusal(bytes, start, end, doing));
    }
    if (registered) return onEvent(bytes.subarray(start + 1, end));
    registered = true;
    send(dumpPacket(options));
  };
  const reader = createPacketReader(onPacket, announcedBytes);
  const send = (payload: Buffer) => {
    reader.expectAnswer();
    socket.write(commandPacket(payload));
  };

  return {
    reader,
    register: () => send(registerCommand(serverId, REPLICA_HOST)),
    quietMs: () => (registered ? heartbeatMs : Math.max(heartbeatMs, ANSWER_MS / MISSED)),
  };
}

/** What a packet says that is no event: the server's error, its leave, or nothing that we know. */
function refusal(bytes: Buffer, start: number, end: number, doing: string): RowsealError {
  const kind = bytes[start];
  if (kind === 0xff) return asRowsealError(readErrorPacket(bytes, start, end), doing);
  if (kind === 0xfe && end - start < 9) {
    return new RowsealError('source_unreachable', 'the server ended the stream');
  }
  return new RowsealError('stream_not_understood', `the server sent a packet that begins with ${kind}`);
}

function onClosing(socket: Duplex, fail: (error: unknown) => void): void {
  socket.removeAllListeners('error');
  socket.on('error', fail);
  const gone = () => fail(new RowsealError('source_unreachable', 'the connection was closed'));
  socket.on('end', gone); // whoever took the socket over took Node's own answer to it away
  socket.on('close', gone);
}

function goneSilent(silentMs: number): RowsealError {
  const seconds = (silentMs / 1000).toFixed(1);
  const details = { silent: true };
  return new RowsealError('source_unreachable', `nothing was heard from the server for ${seconds} s`, {
    details,
  });
}
