/**
 * Watches over the capture while it runs: looks, compares with the last look, and says each difference once. What
 * it learnt survives reconnects of the source, so that nothing is said twice and nothing in between is missed.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { Observation } from '../../../change/change.ts';
import type { Policy } from '../../../change/policy/policy.ts';
import { createLineages, END_OF_LOG, type Lineages } from '../catalog/ancestry.ts';
import { parseLsn } from '../wire/lsn.ts';
import type { SideSession } from '../wire/sessions.ts';
import {
  type Capture,
  type CaptureProblem,
  captureProblem,
  compareCapture,
  type Matches,
  problemsOf,
  readCapture,
} from './capture.ts';
import { createRedactedColumns } from './redacted-columns.ts';
import { createSeenPublication } from './seen-publication.ts';
import { readWal } from './wal.ts';

export type { CaptureProblem } from './capture.ts';

export interface Watch {
  /** Throws `source_misconfigured` without a publication, `slot_lost` or `slot_missing` once a slot was seen. */
  check(side: SideSession, version: number): Promise<{ readonly endOfLog: bigint | null }>;
  /** What nobody has been told yet: the capture as it is, the first time; then every difference, once. */
  news(): readonly Observation[];
  problems(): readonly CaptureProblem[];
  /** Redactions that no column has, as of the last look; null where all have. */
  unmatched(): RowsealError | null;
  /** Redacted columns of a table, by their names at the last look. */
  readonly redacted: (oid: number) => readonly string[];
  /** What the tables were partitions of, as far as it was seen. */
  readonly lineages: Lineages;
}

/** A record must stay far below 16 MiB, whatever the database. */
const MAX_LISTED = 20_000;

export function createWatch(parts: {
  readonly slot: string;
  readonly publication: string;
  readonly matches: Matches;
  /** What has to be redacted; nothing where it is not given. */
  readonly policy?: Policy;
}): Watch {
  const { slot, publication, matches } = parts;
  const redacted = createRedactedColumns(parts.policy ?? null);
  let known: Capture | null = null;
  let streaming = false;
  let problems: readonly CaptureProblem[] = [];
  let untold: Observation[] = [];
  const lineages = createLineages();
  const seen = createSeenPublication(publication);

  const look = async (side: SideSession, version: number) => {
    const wal = await readWal(side, slot, publication);
    if (wal.fate !== null && streaming) {
      throw new RowsealError(
        wal.fate,
        `the slot ${slot} is ${wal.fate === 'slot_lost' ? 'invalidated' : 'gone'}`,
      );
    }
    const now = await readCapture(side, publication, version);
    if (now === null) {
      if (known !== null)
        untold.push({ kind: 'tamper', what: 'publication_dropped', details: { publication } });
      known = null;
      throw new RowsealError(
        'source_misconfigured',
        `there is no publication ${publication} in this database`,
        {
          hint: 'rowseal setup --print shows the SQL that creates it.',
        },
      );
    }
    const [{ position = null } = {}] = await side.query(`select ${END_OF_LOG} as position`);
    await redacted.look(side, now);
    remember(now, position === null ? 0n : parseLsn(position), lineages);
    const gap = seen.look(now.oid, wal, position, version);
    if (gap !== null) untold.push(gap);
    problems = [...wal.problems, ...problemsOf(now, publication, matches)];
    if (known === null) untold.push(describe(now, publication, problems));
    else untold.push(...compareCapture(known, now, publication, matches));
    known = now;
    return { endOfLog: wal.position === null ? null : parseLsn(wal.position) };
  };

  return {
    check: async (side, version) => {
      try {
        return await look(side, version);
      } catch (error) {
        // Health must not go on to say what it can't see any more.
        problems = [captureProblem('capture_not_seen', slot, (error as Error).message)];
        throw error;
      }
    },
    news: () => {
      const news = untold;
      untold = [];
      streaming = true; // from now on there is a slot
      return news;
    },
    problems: () => problems,
    unmatched: redacted.unmatched,
    redacted: redacted.of,
    lineages,
  };
}

function remember({ tables }: Capture, at: bigint, lineages: Lineages): void {
  for (const { oid, ancestors, triggers } of tables.values()) {
    const all = [triggers, ...ancestors.map((name) => tables.get(name)?.triggers ?? {})];
    lineages.saw(
      oid,
      at,
      ancestors,
      all.some((each) => Object.values(each).includes('A')),
    );
  }
}

function describe(capture: Capture, publication: string, problems: readonly CaptureProblem[]): Observation {
  const published = [...capture.tables].filter(([, table]) => table.published);
  const tables = published.slice(0, MAX_LISTED).map(([name, table]) => ({
    table: name,
    identity: table.identity,
    ...(table.rowFilter === null ? {} : { row_filter: table.rowFilter }),
    ...(table.columnList === null ? {} : { column_list: table.columnList }),
  }));
  return {
    kind: 'lifecycle',
    event: 'capture',
    details: {
      publication: { name: publication, ...capture.publication },
      tables_published: published.length,
      tables,
      problems: problems.slice(0, MAX_LISTED),
    },
  };
}
