/**
 * Watches over the capture while it runs: looks, compares with the last look, and says each difference once. What
 * it learnt survives reconnects of the source, so that nothing is said twice and nothing in between is missed.
 */
import type { RowsealError } from '../../../base/errors.ts';
import type { Observation } from '../../../change/change.ts';
import type { Policy } from '../../../change/policy/policy.ts';
import type { ColumnsNow } from '../events/table-map.ts';
import { parseGtidSet } from '../position/gtid.ts';
import { keptSeconds } from '../preflight/binlog.ts';
import {
  type BinlogState,
  incarnationOf,
  readBinlogState,
  readEnd,
  type ServerFacts,
} from '../wire/server.ts';
import type { SideSession } from '../wire/sessions.ts';
import { createCascadeNews } from './cascade-news.ts';
import { type Coverage, coverageProblems, type OfTable } from './coverage.ts';
import { createDefinitions } from './definitions.ts';
import {
  type Capture,
  type CaptureProblem,
  captureProblem,
  compareCapture,
  problemsOf,
  readCapture,
} from './settings.ts';

export type { CaptureProblem } from './settings.ts';

export interface Look {
  readonly state: BinlogState;
  /** Where the next event will be written; null where we may not see it. */
  readonly end: { readonly file: string; readonly position: number } | null;
  /** What this server's log held at an earlier look and does not know any more: it was begun anew, or lost its end. */
  readonly lost: string | null;
}

export interface Watch {
  /** `unsealedMs`: how long ago the oldest commit that is not sealed yet was made; null where all is sealed. */
  check(side: SideSession, facts: ServerFacts, unsealedMs: number | null): Promise<Look>;
  /** What nobody has been told yet: the capture as it is, the first time; then every difference, once. */
  news(): readonly Observation[];
  problems(): readonly CaptureProblem[];
  /** Whether rows of this table wait for their context: it had our triggers at the last look. */
  hasTriggers(schema: string, table: string): boolean;
  /** A change of this table was logged without what its foreign keys made of it. */
  cascadesUnlogged(schema: string, table: string): void;
  /** Redactions that no column has, as of the last look at definitions; null where all have. */
  unmatched(): RowsealError | null;
  readonly columnsNow: ColumnsNow;
  /** Something was defined: the next look takes in triggers and foreign keys too. */
  defined(): void;
  /** Sessions of this process that were given a binlog: what the server still holds of them may be ended. */
  readonly dumps: Set<number>;
}

export interface WatchOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Whether the configuration asks for a table; all of them where it is not given. */
  readonly covers?: OfTable;
  /** Whether it asks for a context trigger on it; on none where it is not given. */
  readonly wantsTrigger?: OfTable;
  /** What has to be redacted; nothing where it is not given. */
  readonly policy?: Policy;
}

export function createWatch(options: WatchOptions): Watch {
  const { clock, covers = () => true, wantsTrigger = () => false, policy = null } = options;
  const definitions = createDefinitions({ clock, covers, wantsTrigger, policy });
  const cascades = createCascadeNews(covers);
  let known: { readonly capture: Capture; readonly state: BinlogState; readonly incarnation: string } | null =
    null;
  let problems: readonly CaptureProblem[] = [];
  let untold: Observation[] = [];

  const look = async (side: SideSession, facts: ServerFacts, unsealedMs: number | null): Promise<Look> => {
    const state = await readBinlogState(side, facts);
    const end = await readEnd(side, facts);
    const now = await definitions.look(side, facts);
    const capture = await readCapture(side, facts, end, now.kit);
    const incarnation = incarnationOf(facts);
    problems = [
      ...problemsOf(capture),
      ...coverageProblems(now.coverage),
      ...retentionProblem(capture.settings, unsealedMs),
    ];
    const same = known?.incarnation === incarnation;
    const lost = known !== null && same ? lostOf(known.state, state) : null;
    if (known === null) untold.push(describe(capture, facts, now.coverage, problems));
    else {
      untold.push(...compareCapture(known.capture, capture));
      if (lost !== null) untold.push({ kind: 'tamper', what: 'binlog_reset', details: { lost } });
    }
    untold.push(...cascades.of(now));
    definitions.keep(now);
    known = { capture, state, incarnation };
    return { state, end, lost };
  };

  return {
    dumps: new Set(),
    check: async (side, facts, unsealedMs) => {
      try {
        return await look(side, facts, unsealedMs);
      } catch (error) {
        // Health must not go on to say what it can't see any more.
        problems = [captureProblem('capture_not_seen', 'server', (error as Error).message)];
        throw error;
      }
    },
    news: () => {
      const news = untold;
      untold = [];
      return news;
    },
    problems: () => problems,
    hasTriggers: (schema, table) => definitions.current?.kit?.tables.has(`${schema}.${table}`) ?? false,
    cascadesUnlogged: (schema, table) => {
      cascades.unlogged(schema, table);
      if (definitions.current !== null) untold.push(...cascades.of(definitions.current));
    },
    unmatched: () => definitions.current?.redactions?.unmatched ?? null,
    columnsNow: (schema, table) => definitions.current?.redactions?.columnsOf(schema, table),
    defined: definitions.defined,
  };
}

/** Seconds after which the server removes binary logs by itself; 0: never. */
export function retentionSeconds(settings: Capture['settings']): number {
  return settings['binlog_expire_logs_auto_purge'] === 'OFF' ? 0 : keptSeconds(settings);
}

/** Half of the retention is used up: what is not sealed yet will be removed unless somebody acts. */
export function retentionProblem(settings: Capture['settings'], unsealedMs: number | null): CaptureProblem[] {
  const keptMs = retentionSeconds(settings) * 1000;
  if (keptMs === 0 || unsealedMs === null || unsealedMs < keptMs / 2) return [];
  const hours = (ms: number) => `${(ms / 3_600_000).toFixed(1)} h`;
  const detail = `changes of ${hours(unsealedMs)} ago are not sealed, binary logs are kept for ${hours(keptMs)}`;
  return [captureProblem('binlog_at_risk', 'binlog', detail)];
}

/** What a server's log held once and does not know any more; null where it only grew. Purging loses nothing here. */
export function lostOf(before: BinlogState, after: BinlogState): string | null {
  if (before.history !== null && after.history !== null) {
    const now = new Map(numbersOf(after.history));
    const lost = numbersOf(before.history).filter(([who, number]) => (now.get(who) ?? -1n) < number);
    return lost.length === 0 ? null : lost.map(([who, number]) => `${who}-${number}`).join(',');
  }
  if (before.executed !== null && after.executed !== null) {
    const lost = parseGtidSet(before.executed).subtract(parseGtidSet(after.executed));
    return lost.isEmpty ? null : lost.text();
  }
  const [was, is] = [before.files.at(-1), after.files.at(-1)];
  if (was === undefined || is === undefined) return null;
  const shrunk =
    is.name === was.name ? is.size < was.size : !after.files.some(({ name }) => name === was.name);
  // A newest file that is gone was purged if later ones are there.
  const later = Number(is.name.split('.').at(-1)) > Number(was.name.split('.').at(-1));
  return shrunk && !later ? `${was.name}:${was.size}` : null;
}

/** gtid_binlog_state: domain and server, and its last number. */
function numbersOf(history: string): [who: string, number: bigint][] {
  return history
    .split(',')
    .map((gtid) => gtid.trim())
    .filter(Boolean)
    .map((gtid) => {
      const dash = gtid.lastIndexOf('-');
      return [gtid.slice(0, dash), BigInt(gtid.slice(dash + 1))];
    });
}

function describe(
  capture: Capture,
  facts: ServerFacts,
  { matched }: Coverage,
  problems: readonly CaptureProblem[],
): Observation {
  return {
    kind: 'lifecycle',
    event: 'capture',
    details: {
      server: { flavor: facts.flavor, version: facts.version, server_id: facts.serverId },
      settings: capture.settings,
      filters: capture.filters,
      ...(matched === null ? {} : { tables_matched: matched }),
      context: capture.kit === null ? null : [...capture.kit.objects.keys()].slice(0, 20_000),
      problems,
    },
  };
}
