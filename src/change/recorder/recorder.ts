/**
 * From a source's events to records in the sink: rows by rows.ts, messages by messages.ts, what is no row by notes.ts.
 * Which event it is, numbering.ts says; how far the sink's records reach, delivery.ts. One event at a time,
 * synchronously. It must never hand over a change twice, out of order, or with somebody else's attribution.
 */
import { createAttributor } from '../attribution/attribution.ts';
import { createCaptured } from '../captured/captured.ts';
import { tablesOf } from '../captured/table.ts';
import type { ChangeHandler, Observation } from '../change.ts';
import { type Known, NOTHING_KNOWN } from '../known.ts';
import type { Policy } from '../policy/policy.ts';
import { type Genesis, writeGenesis, writeObservation } from '../record/trail-records.ts';
import type { Progress, RecordSink } from '../sink.ts';
import { newCounters, type RecorderCounters } from './counters.ts';
import { createDelivery } from './delivery.ts';
import { giveUp } from './holding.ts';
import { createLasting } from './lasting.ts';
import { createMessages } from './messages.ts';
import { createNotes } from './notes.ts';
import { createNumbering } from './numbering.ts';
import { createRows } from './rows.ts';
import type { WaitingOptions } from './waiting.ts';

export interface RecorderOptions {
  /** The trail's name; its last part begins every record's id. */
  readonly trail: string;
  readonly policy: Policy;
  readonly sink: RecordSink;
  /** What the head seal says; for a new trail the start position, 0 and null. */
  readonly resume: Progress;
  /** Milliseconds since 1970, for the time of records that come from no transaction. */
  readonly now: () => number;
  /** What the trail knew. */
  readonly known?: Known;
  /** What the record of tables says of the configuration in force. */
  readonly effective?: Readonly<Record<string, unknown>>;
  /** What a later daemon has to know is written again when it is so old; never by default. */
  readonly renewMs?: number;
  readonly waiting?: WaitingOptions;
  /**
   * When more bytes than this wait and may go at last, they don't go at once but by calls of `drain`, so that
   * the sink isn't flooded. Without it everything goes at once.
   */
  readonly drainBytes?: number;
  /** Called when they don't go at once. */
  readonly onBacklog?: () => void;
}

export interface Recorder extends ChangeHandler {
  progress(): Progress;
  readonly counters: Readonly<RecorderCounters>;
  /** A seal is about to be cut: what a later daemon has to know goes to the sink where it has changed. */
  settle(): void;
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
  const counters = newCounters();
  const delivery = createDelivery({
    sink: options.sink,
    resume,
    waiting: options.waiting,
    drainBytes: options.drainBytes ?? Number.POSITIVE_INFINITY,
    onBacklog: options.onBacklog ?? (() => {}),
    released: (attribution) => {
      counters.tiers[attribution.tier]++;
    },
  });
  const notes = createNotes(numbering, delivery);
  const { known = NOTHING_KNOWN, effective = {}, renewMs = Number.POSITIVE_INFINITY, now } = options;
  const captured = createCaptured(policy, tablesOf(known.policy, effective['configuration']));
  const lasting = createLasting({ captured, known, effective, renewMs, now });
  const rows = createRows({ policy, captured, numbering, attributor, delivery, notes, counters });
  const messages = createMessages({ captured, numbering, attributor, delivery, notes, counters });
  const tell = (told: Observation) => {
    const { observation, mark } = lasting.keep(told);
    const time = new Date(now()).toISOString();
    notes.outside((out) => writeObservation(out, observation, time), mark);
  };

  return {
    counters,
    progress: () => delivery.progress(),
    waitingBytes: () => delivery.waitingBytes,
    drain: () => delivery.drain(),
    begin(start) {
      messages.begin();
      attributor.begin(start.session);
      delivery.begin(numbering.begin(start));
    },
    row: rows.row,
    truncate: rows.truncate,
    message: messages.message,
    moved: rows.moved,
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
        captured.forget('statements');
      }
      tell(observation);
    },
    settle() {
      // What is known may be ahead of what waits.
      if (delivery.waitingBytes === 0) for (const due of lasting.due()) tell(due);
    },
    genesis: (genesis) => notes.outside((out) => writeGenesis(out, genesis)),
  };
}
