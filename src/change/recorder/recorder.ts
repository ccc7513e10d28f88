/**
 * From a source's events to records in the sink: what each event is recorded as, with whose attribution, and what
 * waits. Which event it is, numbering.ts says; how far the sink's records reach, delivery.ts. One event at a time,
 * synchronously. It must never hand over a change twice, out of order, or with somebody else's attribution.
 */
import {
  type Attribution,
  createAttributor,
  type MessageTree,
  readMessage,
  type Tier,
  UNATTRIBUTED,
} from '../attribution/attribution.ts';
import { textOf } from '../attribution/envelope.ts';
import type { RecordBuffer } from '../buffer.ts';
import type { ChangeHandler, Observation, Relation } from '../change.ts';
import type { Policy } from '../policy/policy.ts';
import type { RowPlan } from '../policy/row-plan.ts';
import { writeFittingChange } from '../record/fit.ts';
import type { ValueContext } from '../record/patch.ts';
import { type Place, type RowChange, type TransactionBytes, writeTruncate } from '../record/record.ts';
import {
  type Genesis,
  TRAIL_CLASS,
  writeDdl,
  writeGenesis,
  writeLostRelation,
  writeObservation,
  writeRelation,
  writeTamper,
} from '../record/trail-records.ts';
import type { Progress, RecordSink } from '../sink.ts';
import { createDelivery } from './delivery.ts';
import { giveUp, holdingOf, resolve } from './holding.ts';
import { createNumbering } from './numbering.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { createRelations } from './relations.ts';
import type { Holding, WaitingOptions } from './waiting.ts';

export interface RecorderOptions {
  /** The trail's name; its last part begins every record's id. */
  readonly trail: string;
  readonly policy: Policy;
  readonly sink: RecordSink;
  /** What the head seal says; for a new trail the start position, 0 and null. */
  readonly resume: Progress;
  /** Milliseconds since 1970, for the time of records that come from no transaction. */
  readonly now: () => number;
  readonly waiting?: WaitingOptions;
  /**
   * When more bytes than this wait and may go at last, they don't go at once but by calls of `drain`, so that
   * the sink isn't flooded. Without it everything goes at once.
   */
  readonly drainBytes?: number;
  /** Called when they don't go at once. */
  readonly onBacklog?: () => void;
}

export interface RecorderCounters {
  /** Events delivered, replayed ones too. */
  events: number;
  /** Changes recorded, by tier. */
  readonly tiers: { [tier in Tier]: number };
  /** Changes of relations that no rule matches. */
  skipped: number;
  /** Events that an earlier run had sealed already. */
  replayed: number;
  /** Messages of ours that could not be read, or whose context or setting was none. */
  badContexts: number;
  /** Changes that had to wait for their context. */
  waited: number;
  /** Gap records: what the trail admits to miss. */
  gaps: number;
}

export interface Recorder extends ChangeHandler {
  progress(): Progress;
  readonly counters: Readonly<RecorderCounters>;
  /** The first record of a new trail. */
  genesis(genesis: Genesis): void;
  /** Bytes of records that wait, be it for their context or (with drainBytes) for their turn. */
  waitingBytes(): number;
  /** Hands over up to drainBytes of what may go. True: more could go, so pause the source and call again as the sink has room. */
  drain(): boolean;
}

export function createRecorder(options: RecorderOptions): Recorder {
  const { policy, resume } = options;
  const numbering = createNumbering(options.trail.slice(options.trail.lastIndexOf('/') + 1), resume);
  const attributor = createAttributor(policy);
  const relations = createRelations(policy);
  const values: ValueContext = { maxValueBytes: policy.maxValueBytes, hmac: policy.hmac, encoded: [] };
  const place: Place = {
    transaction: NO_TRANSACTION,
    index: 0,
    attribution: null,
    actorHole: 0,
    contextHole: 0,
  };
  const change: RowChange = { action: 'insert', before: null, beforeIsKey: false, after: null };
  const tiers = { asserted: 0, session: 0, annotated: 0, connection: 0, none: 0 };
  const counters: RecorderCounters = {
    events: 0,
    tiers,
    skipped: 0,
    replayed: 0,
    badContexts: 0,
    waited: 0,
    gaps: 0,
  };
  const delivery = createDelivery({
    sink: options.sink,
    resume,
    waiting: options.waiting,
    drainBytes: options.drainBytes ?? Number.POSITIVE_INFINITY,
    onBacklog: options.onBacklog ?? (() => {}),
    released: (attribution) => {
      tiers[attribution.tier]++;
    },
  });
  let tampered = false;
  let held: Holding = null;

  /** Counts an event; whether it is new. */
  function arrives(): boolean {
    counters.events++;
    if (numbering.arrives()) return true;
    counters.replayed++;
    return false;
  }

  /** The relation's plan, its record written where it is due; null where the policy leaves the relation out. */
  function planned(transaction: OpenTransaction, relation: Relation): RowPlan | null {
    const looked = relations.look(relation, transaction.day);
    const { plan, due } = looked;
    if (plan === null) {
      counters.skipped++;
      if (looked.lost && looked.told !== transaction.serial) {
        looked.told = transaction.serial;
        counters.gaps++;
        const { position } = transaction.start;
        note(transaction, null, (out) =>
          writeLostRelation(out, place, relation, numbering.reached, position),
        );
      } else delivery.passed(transaction, numbering.index);
    } else if (due) {
      writeRelation(delivery.open(transaction, plan.class, null, null), plan, transaction.start.time);
      delivery.close(0, 0);
    }
    return plan;
  }

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

  /** Writes a record of class `trail` at the current event. */
  function note(
    transaction: OpenTransaction,
    who: Attribution | null,
    write: (out: RecordBuffer) => void,
  ): void {
    place.transaction = numbering.bytesOf(transaction);
    place.index = numbering.index;
    place.attribution = who;
    write(delivery.open(transaction, TRAIL_CLASS, numbering.index, null));
    delivery.close(0, 0);
  }

  function sessionMessage(transaction: OpenTransaction, message: MessageTree, isNew: boolean): void {
    const spoken = attributor.session(message);
    if (attributor.misread()) counters.badContexts++;
    if (!spoken) return;
    if (delivery.waitingBytes > 0) {
      resolve(transaction, textOf(message['relid']), attributor.reachingBack());
      delivery.release();
    }
    const role = textOf(message['replication_role']);
    if (role === null || role === 'origin' || tampered) return;
    tampered = true;
    if (!isNew) return;
    const who = attributor.current() ?? UNATTRIBUTED;
    note(transaction, who, (out) =>
      writeTamper(out, place, 'session_replication_role', { replication_role: role }),
    );
  }

  function observe(observation: Observation): void {
    const time = new Date(options.now()).toISOString();
    observed((out) => writeObservation(out, observation, time));
  }

  function observed(write: (out: RecordBuffer) => void): void {
    write(delivery.open(null, TRAIL_CLASS, null, null));
    delivery.close(0, 0);
  }

  return {
    counters,
    progress: () => delivery.progress(),
    waitingBytes: () => delivery.waitingBytes,
    drain: () => delivery.drain(),
    begin(start) {
      tampered = false;
      attributor.begin(start.session);
      delivery.begin(numbering.begin(start));
    },
    row(action, relation, before, beforeIsKey, after) {
      const transaction = numbering.inside();
      if (!arrives()) return;
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
        if (!arrives()) continue;
        const plan = planned(transaction, relation);
        if (plan === null) continue;
        placeRow(transaction, relation, 'truncate');
        const out = delivery.open(transaction, plan.class, numbering.index, held);
        writeTruncate(out, place, plan, how);
        delivery.close(place.actorHole, place.contextHole);
      }
    },
    message(prefix, content) {
      const transaction = numbering.inside();
      const isNew = arrives();
      const known = prefix === 'rowseal.context' || prefix === 'rowseal.session' || prefix === 'rowseal.ddl';
      const message = known ? readMessage(content) : null;
      if (prefix === 'rowseal.context') {
        if (!attributor.asserted(message, content.length)) counters.badContexts++;
      } else if (known && message === null) counters.badContexts++;
      else if (message !== null) {
        if (prefix === 'rowseal.session') sessionMessage(transaction, message, isNew);
        else if (isNew) {
          const who = attributor.ofDdl(message);
          note(transaction, who, (out) => writeDdl(out, place, message));
        }
      }
      delivery.passed(transaction, numbering.index);
    },
    moved: relations.moved,
    commit(end) {
      const transaction = numbering.commit(end);
      giveUp(transaction, attributor.unspoken());
      delivery.commit(transaction, end);
    },
    quiet(position) {
      numbering.quiet(position);
      delivery.quiet(position);
    },
    observe(observation) {
      if (observation.kind === 'gap') counters.gaps++;
      if (observation.kind === 'gap' && !observation.within) {
        while (delivery.drain());
        delivery.jump(observation.to);
        numbering.jump(observation.to);
      }
      observe(observation);
    },
    genesis: (genesis) => observed((out) => writeGenesis(out, genesis)),
  };
}

const NO_TRANSACTION: TransactionBytes = {
  id: Buffer.alloc(0),
  time: Buffer.alloc(0),
  transaction: Buffer.alloc(0),
  end: Buffer.alloc(0),
};
