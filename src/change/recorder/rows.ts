/**
 * Changes of rows to their records: by which plan, with whose attribution, and whether they wait for it. One at a time,
 * and nothing is made for each but its bytes. It must never write a row that a redaction may have missed (relations.ts).
 */
import { type Attributor, UNATTRIBUTED } from '../attribution/attribution.ts';
import type { Captured } from '../captured/captured.ts';
import type { ChangeHandler, Relation } from '../change.ts';
import type { Policy } from '../policy/policy.ts';
import type { RowPlan } from '../policy/row-plan.ts';
import { writeFittingChange } from '../record/fit.ts';
import type { ValueContext } from '../record/patch.ts';
import { newPlace, type RowChange, writeTruncate } from '../record/record.ts';
import { writeLostRelation, writeRelation } from '../record/trail-records.ts';
import { arrives, type RecorderCounters } from './counters.ts';
import type { Delivery } from './delivery.ts';
import { holdingOf } from './holding.ts';
import type { Notes } from './notes.ts';
import type { Numbering } from './numbering.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { createRelations, type Relations } from './relations.ts';
import type { Holding } from './waiting.ts';

export interface RowParts {
  readonly policy: Policy;
  readonly captured: Captured;
  readonly numbering: Numbering;
  readonly attributor: Attributor;
  readonly delivery: Delivery;
  readonly notes: Notes;
  readonly counters: RecorderCounters;
}

export type Rows = Required<Pick<ChangeHandler, 'row' | 'truncate' | 'moved'>>;

export function createRows(parts: RowParts): Rows {
  const { policy, numbering, attributor, delivery, counters } = parts;
  const { tiers } = counters;
  const relations = createRelations(policy, parts.captured);
  const planned = createPlanned(relations, parts);
  const values: ValueContext = { maxValueBytes: policy.maxValueBytes, hmac: policy.hmac, encoded: [] };
  const place = newPlace();
  const change: RowChange = { action: 'insert', before: null, beforeIsKey: false, after: null };
  let held: Holding = null;

  /** Sets `place` to the current event, and `held` where nothing is known of who acted and the row waits for it. */
  function placeRow(
    transaction: OpenTransaction,
    relation: Relation,
    action: RowChange['action'] | 'truncate',
  ): void {
    const expecting = relation.contextTrigger && !relation.contextAhead && transaction.resolution === null;
    const said = attributor.current(expecting);
    held = said === null ? holdingOf(transaction, relation, action, delivery) : null;
    const known = said ?? (held === null ? UNATTRIBUTED : null);
    if (known === null) counters.waited++;
    else tiers[known.tier]++;
    place.transaction = numbering.bytesOf(transaction);
    place.index = numbering.index;
    place.attribution = known;
  }

  return {
    row(action, relation, before, beforeIsKey, after) {
      const transaction = numbering.inside();
      if (!arrives(counters, numbering)) return;
      const plan = planned(transaction, relation);
      if (plan === null) return;
      placeRow(transaction, relation, action);
      change.action = action;
      change.before = before;
      change.beforeIsKey = beforeIsKey;
      change.after = after;
      const out = delivery.open(transaction, plan.class, numbering.index, held);
      try {
        writeFittingChange(out, place, plan, change, values);
      } catch (error) {
        delivery.abandon();
        throw error;
      }
      delivery.close(place.actorHole, place.contextHole);
    },
    truncate(truncated, how) {
      const transaction = numbering.inside();
      for (const relation of truncated) {
        if (!arrives(counters, numbering)) continue;
        const plan = planned(transaction, relation);
        if (plan === null) continue;
        placeRow(transaction, relation, 'truncate');
        const out = delivery.open(transaction, plan.class, numbering.index, held);
        writeTruncate(out, place, plan, how);
        delivery.close(place.actorHole, place.contextHole);
      }
    },
    moved: (moves) => relations.moved(moves, numbering.expectsNew()),
  };
}

/** The relation's plan, its record written where it is due; null where the policy leaves the relation out. */
type Planned = (transaction: OpenTransaction, relation: Relation) => RowPlan | null;

function createPlanned(relations: Relations, { numbering, delivery, notes, counters }: RowParts): Planned {
  return (transaction, relation) => {
    const looked = relations.look(relation, transaction.day);
    const { plan, due } = looked;
    if (plan === null) {
      counters.skipped++;
      if (looked.lost && looked.told !== transaction.serial) {
        looked.told = transaction.serial;
        counters.gaps++;
        const { position } = transaction.start;
        notes.inside(transaction, null, (out, at) =>
          writeLostRelation(out, at, relation, numbering.reached, position),
        );
      } else delivery.passed(transaction, numbering.index);
    } else if (due) {
      writeRelation(delivery.open(transaction, plan.class, null, null), plan, transaction.start.time);
      delivery.close(0, 0);
    }
    return plan;
  };
}
