/**
 * Plans by relation, and when each relation's own record is due: before the table's first change in this run,
 * when it changed, and each new UTC day, so that a retention class never outlives its explanation.
 */
import type { Relation } from './change.ts';
import { compileRow, type RowPlan } from './plan.ts';
import type { Policy } from './policy.ts';

export interface Looked {
  /** Null where the policy leaves the relation out. */
  readonly plan: RowPlan | null;
  /** Its record has to be written before the change at hand. */
  due: boolean;
  day: string;
  /** Left out without being known: the catalogs don't have it, and nobody was told yet. */
  unsaid: boolean;
}

export function createRelations(policy: Policy) {
  const plans = new WeakMap<Relation, Looked>();
  const described = new Map<string, { text: string; day: string }>();
  let lastRelation: Relation | null = null;
  let last: Looked = { plan: null, due: false, day: '', unsaid: false };

  function isDue(relation: Relation, plan: RowPlan, day: string): boolean {
    const key = JSON.stringify([relation.schema, relation.table, plan.class]);
    const known = described.get(key);
    described.set(key, { text: plan.relationRecord, day });
    return known === undefined || known.text !== plan.relationRecord || known.day !== day;
  }

  return {
    /** Valid until the next call. */
    look(relation: Relation, day: string): Looked {
      if (relation !== lastRelation) {
        let found = plans.get(relation);
        if (found === undefined) {
          const plan = compileRow(relation, policy);
          found = { plan, due: false, day: '', unsaid: plan === null && relation.gone === true };
          plans.set(relation, found);
        }
        lastRelation = relation;
        last = found;
      }
      last.due = last.plan !== null && last.day !== day && isDue(relation, last.plan, day);
      last.day = day;
      return last;
    },
  };
}
