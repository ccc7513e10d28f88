/**
 * Plans by relation, and when each relation's own record is due: before the table's first change in this run,
 * when it changed, and each new UTC day, so that a retention class never outlives its explanation.
 */
import type { Captured } from '../captured/captured.ts';
import { keyOfRelation } from '../captured/table.ts';
import type { Relation, TableMove } from '../change.ts';
import { createRedactionGuard } from '../policy/guard.ts';
import type { Policy } from '../policy/policy.ts';
import { compileRow, type RowPlan } from '../policy/row-plan.ts';

export interface Looked {
  /** Null where the policy leaves the relation out. */
  readonly plan: RowPlan | null;
  /** Its record has to be written before the change at hand. */
  due: boolean;
  day: string;
  /** Left out, though an ancestor that can't be told any more may be one that is recorded: each transaction is a gap. */
  readonly lost: boolean;
  /** Serial number of the transaction whose gap was told last. */
  told: number;
  /** Of one table: what was looked at last. An older one that comes again may not be what it was. */
  readonly table: { latest: Looked | null };
}

export interface Relations {
  /** `isNew`: what was known has not been through it yet. */
  moved(moves: readonly TableMove[], isNew: boolean): void;
  /** Valid until the next call. Throws `redaction_unmatched`: no row of the relation may be recorded. */
  look(relation: Relation, day: string): Looked;
}

export function createRelations(policy: Policy, captured: Captured): Relations {
  let plans = new WeakMap<Relation, Looked>();
  let tables = new Map<string, Looked['table']>();
  const guard = createRedactionGuard(policy);
  /** Of one day: on the next everything is due again. */
  const described = new Map<string, { text: string; day: string }>();
  let describedDay = '';
  let lastRelation: Relation | null = null;
  let last: Looked = { plan: null, due: false, day: '', lost: false, told: 0, table: { latest: null } };

  function meet(relation: Relation): Looked {
    // By names; what numbers say besides, they say behind it.
    const { numbers: _, ...named } = relation;
    guard.check(named);
    const plan = compileRow(captured.meet(relation), policy);
    const key = keyOfRelation(relation);
    const table = tables.get(key) ?? { latest: null };
    tables.set(key, table);
    const lost = plan === null && policy.perhaps(relation);
    const found: Looked = { plan, due: false, day: '', lost, told: 0, table };
    table.latest = found;
    plans.set(relation, found);
    return found;
  }

  function isDue(relation: Relation, plan: RowPlan, day: string): boolean {
    const key = JSON.stringify([relation.schema, relation.table, plan.class]);
    if (day !== describedDay) described.clear();
    describedDay = day;
    const known = described.get(key);
    described.set(key, { text: plan.relationRecord, day });
    return known === undefined || known.text !== plan.relationRecord || known.day !== day;
  }

  return {
    moved(moves, isNew) {
      guard.moved(moves);
      if (!isNew || !captured.moved(moves)) return;
      // The same relation may come again, of another table or with other columns under its names.
      plans = new WeakMap();
      tables = new Map();
      lastRelation = null;
    },
    look(relation, day) {
      if (relation !== lastRelation) {
        const found = plans.get(relation);
        last = found === undefined || found.table.latest !== found ? meet(relation) : found;
        lastRelation = relation;
      }
      last.due = last.plan !== null && last.day !== day && isDue(relation, last.plan, day);
      last.day = day;
      return last;
    },
  };
}
