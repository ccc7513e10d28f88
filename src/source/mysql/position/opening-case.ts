/**
 * What the cases of opening have in common: the facts, going on, and refusing unless exactly this hole was accepted.
 */
import { type ErrorCode, RowsealError } from '../../../base/errors.ts';
import type { Position } from '../../../change/change.ts';
import type { Resume } from '../../source.ts';
import { type BinlogState, incarnationOf, type ServerFacts } from '../wire/server.ts';
import { parseGtidSet } from './gtid.ts';
import { parseMariadbPosition } from './mariadb-gtid.ts';
import { EMPTY_LOG, fileNumber, normal } from './place.ts';

export interface OpeningFacts {
  readonly resume: Resume;
  readonly facts: ServerFacts;
  readonly state: BinlogState;
  /** Where the next event will be written; null where we may not see it. */
  readonly end: { readonly file: string; readonly position: number } | null;
  /** What the server's log held at an earlier look of ours and does not know any more; null where it only grew. */
  readonly lost?: string | null;
  /** The server refused to stream from `through` (error 1236): what can't be told for certain counts as told. */
  readonly refused?: boolean;
}

export interface Opening {
  readonly start: Position;
  readonly gap: { readonly from: Position; readonly to: Position; readonly reason: string } | null;
}

/**
 * The last seal ends inside of a transaction that another server told. What was sealed of it is known by its index alone,
 * and a replica's log may have the same changes at others: rows of a table without a key in another order, statements
 * without their comments. So nobody can say which are missing. Accepted, the rest of that transaction is the gap. Null
 * where it is not so; `behind`: the position behind that transaction too.
 */
export function elsewhereInPart(opening: OpeningFacts, behind: () => Position): Opening | null {
  const { resume, facts } = opening;
  const { partial, incarnation } = resume;
  if (partial == null || incarnation === null || incarnation === incarnationOf(facts)) return null;
  const why = `of the transaction ${partial} only a part is sealed, as ${incarnation} told it; ${incarnationOf(facts)} may tell it in another order`;
  return orAccepted(opening, 'source_changed', why, behind);
}

/** Nothing speaks against `through`, by the numbers; which may be others by the same name where the log was begun anew. */
export function goOn(opening: OpeningFacts): Opening {
  const { resume, facts, lost } = opening;
  const anew = () => (facts.gtids ? EMPTY_LOG : `${opening.state.files[0]?.name}:4`);
  if (lost != null) return orAccepted(opening, 'source_changed', `the server's log lost ${lost}`, anew);
  const through = resume.through as Position;
  // What was seen by an earlier run, and is accepted now.
  const accepted = resume.acceptGap !== null && normal(resume.acceptGap) === normal(through);
  if (accepted && begunAnew(opening))
    return orAccepted(opening, 'source_changed', 'the log was begun anew', anew);
  return { start: through, gap: null };
}

/** Refuses, unless the operator accepted the gap behind exactly this position. */
export function orAccepted(
  opening: OpeningFacts,
  code: ErrorCode,
  why: string,
  start: (opening: OpeningFacts) => Position,
): Opening {
  const through = opening.resume.through as Position;
  const accepted = opening.resume.acceptGap;
  if (accepted === null || normal(accepted) !== normal(through)) {
    const { facts } = opening;
    throw new RowsealError(
      code,
      `${why}; everything up to ${through} is sealed, accept with --accept-gap=${through}`,
      { details: { through, accept_gap: through, incarnation: incarnationOf(facts), server: facts.version } },
    );
  }
  const to = start(opening);
  return { start: to, gap: to === through ? null : { from: through, to, reason: `accepted: ${why}` } };
}

/**
 * Whether a server that does not know its own sealed transactions shows the signs of a reset: the same server, the first
 * file there, and nothing before it. Then it numbers from 1 again, and what bears our numbers is not ours: all of it is
 * delivered. Else it lost the end of its log (a crash, a snapshot that was restored), and what both have is the same.
 */
export function begunAnew({ resume, facts, state }: OpeningFacts): boolean {
  const [oldest] = state.files;
  const first = oldest !== undefined && fileNumber(oldest.name) === 1;
  return first && state.purged === '' && resume.incarnation === incarnationOf(facts);
}

export function endOfLog(opening: OpeningFacts): Position {
  const { facts, state } = opening;
  if (!facts.gtids) return fileEnd(opening);
  const executed = state.executed ?? '';
  if (executed === '') return EMPTY_LOG;
  return facts.flavor === 'mysql' ? parseGtidSet(executed).text() : parseMariadbPosition(executed).text();
}

export function fileEnd({ end }: OpeningFacts): Position {
  if (end === null) throw unseen();
  return `${end.file}:${end.position}`;
}

export function unseen(): RowsealError {
  return new RowsealError('source_refused', 'the binary logs of the server may not be seen', {
    hint: 'GRANT REPLICATION CLIENT (MariaDB: BINLOG MONITOR) ON *.* to the capture user.',
  });
}
