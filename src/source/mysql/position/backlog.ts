/**
 * What was handed over and is not sealed yet: how old it is, and where it lies in the binlog. For the alarm of the
 * retention and for metrics only: nothing is ever acknowledged or skipped by it.
 */
import type { Position } from '../../../change/change.ts';
import { parseGtidSet } from './gtid.ts';
import { placeOf } from './place.ts';

/** A place in the binlog's files. */
export interface FilePlace {
  readonly file: string;
  readonly position: number;
}

export interface Backlog {
  committed(end: Position, timeMs: number, place: FilePlace | null): void;
  sealed(through: Position): void;
  /** When the oldest commit that is not sealed was made, nearly; null where all is sealed. */
  since(): number | null;
  /** Where it lies; what was read last where all is sealed. */
  place(): FilePlace | null;
}

interface Commit {
  readonly end: Position;
  readonly timeMs: number;
  readonly place: FilePlace | null;
}

export function createBacklog(): Backlog {
  let oldest: Commit | null = null;
  let newest: Commit | null = null;
  return {
    committed: (end, timeMs, place) => {
      newest = { end, timeMs, place };
      oldest ??= newest;
    },
    sealed: (through) => {
      if (oldest === null || newest === null) return;
      if (reaches(through, newest.end)) oldest = null;
      // What lies between the two is seconds: a seal comes at least that often.
      else if (reaches(through, oldest.end)) oldest = newest;
    },
    since: () => oldest?.timeMs ?? null,
    place: () => (oldest ?? newest)?.place ?? null,
  };
}

/** Whether everything up to `end` is covered by `through`; both as this source handed them over. */
export function reaches(through: Position, end: Position): boolean {
  if (through === end) return true;
  const [one, other] = [placeOf(through), placeOf(end)];
  if (one.by === 'file' || other.by === 'file') {
    if (one.by !== other.by) return false;
    const [mine, its] = [one as FilePlace, other as FilePlace];
    if (mine.file === its.file) return mine.position >= its.position;
    return Number(mine.file.split('.').at(-1)) > Number(its.file.split('.').at(-1));
  }
  if (other.set === '') return true;
  if (one.set === '') return false;
  if (other.flavor === 'mysql') return parseGtidSet(one.set).contains(parseGtidSet(other.set));
  const numbers = new Map(one.set.split(',').map(domainAndNumber));
  return other.set.split(',').every((gtid) => {
    const [domain, number] = domainAndNumber(gtid);
    return (numbers.get(domain) ?? -1n) >= number;
  });
}

function domainAndNumber(gtid: string): [domain: string, number: bigint] {
  const [domain = '', , number = '0'] = gtid.split('-');
  return [domain, BigInt(number)];
}
