/** What a MySQL or MariaDB server says of its binlog right now, and what that means beside a trail. Asks, changes nothing. */
import { RowsealError } from '../../base/errors.ts';
import { decideOpening } from '../../source/mysql/position/continuation.ts';
import { parseGtidSet } from '../../source/mysql/position/gtid.ts';
import { parseMariadbPosition } from '../../source/mysql/position/mariadb-gtid.ts';
import { placeOf } from '../../source/mysql/position/place.ts';
import { keptSeconds } from '../../source/mysql/preflight/binlog.ts';
import type { ConnectionTarget } from '../../source/mysql/wire/connection.ts';
import { asRowsealError } from '../../source/mysql/wire/failure.ts';
import { readOwnDumps } from '../../source/mysql/wire/processes.ts';
import {
  type BinlogState,
  readBinlogState,
  readEnd,
  readFacts,
  type ServerFacts,
} from '../../source/mysql/wire/server.ts';
import { connectSession, leave, type SideSession } from '../../source/mysql/wire/sessions.ts';
import type { Behind, ServerWord } from '../common/engine.ts';
import { size } from '../common/size.ts';

export interface BinlogFacts {
  readonly facts: ServerFacts;
  readonly state: BinlogState;
  readonly end: { readonly file: string; readonly position: number } | null;
  /** Own sessions that a binlog is sent to. */
  readonly dumps: number;
}

/** Throws what connecting throws: `source_unreachable`, `source_refused`, `tls_failed`. */
export async function askBinlog(target: ConnectionTarget): Promise<ServerWord> {
  const session = await connectSession(target);
  try {
    return binlogWord(await readBinlog({ query: session.query, close: async () => {} }));
  } catch (error) {
    throw asRowsealError(error, 'asking the server');
  } finally {
    await leave(session);
  }
}

export async function readBinlog(side: SideSession): Promise<BinlogFacts> {
  const facts = await readFacts(side);
  const state = await readBinlogState(side, facts);
  const end = await readEnd(side, facts);
  return { facts, state, end, dumps: (await readOwnDumps(side)).length };
}

/** Pure. */
export function binlogWord(found: BinlogFacts): ServerWord {
  const { facts, state, end, dumps } = found;
  const position = state.executed ?? (end === null ? 'unknown' : `${end.file}:${end.position}`);
  const bytes = state.files.reduce((sum, file) => sum + file.size, 0);
  const kept = keptSeconds(facts.settings);
  return {
    position,
    streaming: dumps > 0,
    from: 'the server',
    facts: {
      streaming: dumps > 0,
      files: state.files.length,
      bytes,
      oldest: state.files[0]?.name ?? null,
      kept_seconds: kept === 0 ? null : kept,
    },
    shown: `${dumps > 0 ? 'is streamed' : 'is not streamed'}; ${state.files.length} files, ${size(bytes)}, kept for ${kept === 0 ? 'ever' : `${(kept / 3600).toFixed(1)} h`}`,
    behind: (through) => behind(through, found),
    wrong: (through) => wrong(through, found),
  };
}

/** Whether the stream could go on behind `through`: the very decision that opening a source takes. */
export function wrong(through: string, { facts, state, end }: BinlogFacts): string[] {
  if (through === 'none') return [];
  try {
    decideOpening({
      resume: { through, partial: null, incarnation: null, acceptGap: null },
      facts,
      state,
      end,
    });
    return [];
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    return [error.message];
  }
}

function behind(through: string, { facts, state, end }: BinlogFacts): Behind {
  if (through === 'none') return { bytes: null };
  const place = placeOf(through);
  if (place.by === 'file') return { bytes: bytesBehind(place, state, end) };
  if (state.executed === null) return { bytes: null };
  const transactions =
    facts.flavor === 'mysql'
      ? countOf(state.executed, place.set)
      : sequencesBehind(state.executed, place.set);
  return { bytes: null, transactions: Number(transactions) };
}

function bytesBehind(
  place: { readonly file: string; readonly position: number },
  { files }: BinlogState,
  end: BinlogFacts['end'],
): number | null {
  const at = files.findIndex(({ name }) => name === place.file);
  if (at < 0 || end === null) return null;
  const sizes = files.slice(at).map((file) => (file.name === end.file ? end.position : file.size));
  return Math.max(0, sizes.reduce((sum, bytes) => sum + bytes, 0) - place.position);
}

function countOf(executed: string, set: string): bigint {
  const left = parseGtidSet(executed).subtract(parseGtidSet(set));
  return left.sources
    .flatMap(({ intervals }) => intervals)
    .reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

/** Numbers of a domain ascend as long as one server writes at a time (gtid_strict_mode). */
function sequencesBehind(executed: string, set: string): bigint {
  const [now, then] = [parseMariadbPosition(executed), parseMariadbPosition(set)];
  const sequence = (last: string | null) => (last === null ? 0n : BigInt(last.slice(last.indexOf('-') + 1)));
  return now.domains.reduce((sum, domain) => {
    const more = sequence(now.last(domain)) - sequence(then.last(domain));
    return more > 0n ? sum + more : sum;
  }, 0n);
}
