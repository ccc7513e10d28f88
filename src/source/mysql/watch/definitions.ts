/**
 * What is defined on the server, as of the last look at it: the kit, tables, triggers, foreign keys, redacted columns.
 * MariaDB opens every table for that, so they are looked up less often than settings. What was defined while we look is
 * looked at again.
 */
import type { Policy } from '../../../change/policy/policy.ts';
import { logsCascades } from '../preflight/foreign-keys.ts';
import { type CascadeFacts, readCascades, readTableNames } from '../preflight/schema.ts';
import type { ServerFacts } from '../wire/server.ts';
import type { SideSession } from '../wire/sessions.ts';
import { type Coverage, coverageOf, type OfTable } from './coverage.ts';
import { type Kit, readKit } from './kit.ts';
import { type RedactedColumns, readRedacted } from './redacted-columns.ts';

export interface Definitions {
  readonly kit: Kit | null;
  readonly coverage: Coverage;
  readonly redactions: RedactedColumns | null;
  readonly cascades: readonly CascadeFacts[];
  /** The server logs what cascades change, as far as its settings go. */
  readonly logged: boolean;
  readonly foldsNames: boolean;
  readonly lookedAt: number;
  /** Another session: another connection, maybe another server. */
  readonly side: SideSession;
}

export interface DefinitionsParts {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly covers: OfTable;
  readonly wantsTrigger: OfTable;
  readonly policy: Policy | null;
}

export interface KnownDefinitions {
  /** What was kept last; null before. */
  readonly current: Definitions | null;
  /** Asks the server where that is due. What it finds holds once it is kept, with all else that the look saw. */
  look(side: SideSession, facts: ServerFacts): Promise<Definitions>;
  keep(looked: Definitions): void;
  /** Something was defined: the next look asks. */
  readonly defined: () => void;
}

const EVERY_MS = 60_000;

export function createDefinitions(parts: DefinitionsParts): KnownDefinitions {
  const { clock } = parts;
  let current: Definitions | null = null;
  let stale = false;

  return {
    get current() {
      return current;
    },
    async look(side, facts) {
      const isFresh =
        current !== null &&
        !stale &&
        !current.redactions?.unmatched &&
        current.side === side &&
        clock() - current.lookedAt < EVERY_MS;
      if (isFresh && current !== null) return current;
      stale = false;
      return readDefinitions(side, facts, parts);
    },
    keep(looked) {
      current = looked;
    },
    defined: () => {
      stale = true;
    },
  };
}

async function readDefinitions(
  side: SideSession,
  facts: ServerFacts,
  { clock, covers, wantsTrigger, policy }: DefinitionsParts,
): Promise<Definitions> {
  const lookedAt = clock();
  const { foldsNames } = facts;
  const kit = await readKit(side, foldsNames);
  const tables = await readTableNames(side);
  const coverage = coverageOf(tables, kit, foldsNames, { covers, wantsTrigger });
  const redactions = policy === null ? null : await readRedacted(side, policy, tables, foldsNames);
  const cascades = await readCascades(side);
  const logged = logsCascades(facts);
  return { kit, coverage, redactions, cascades, lookedAt, side, logged, foldsNames };
}
