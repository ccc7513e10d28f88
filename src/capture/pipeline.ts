/**
 * One trail: source → records → seals → acknowledgement, for as long as it takes. It ends when the signal asks
 * (everything read is sealed first) or when going on would be wrong. The order of its steps is the invariants:
 * sealed before acknowledged (I1), the trail is the only state (I5), a slot without a trail is an error.
 */
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { RowsealError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Known, NOTHING_KNOWN } from '../change/known.ts';
import type { Policy } from '../change/policy/policy.ts';
import { createRecorder, type Recorder } from '../change/recorder/recorder.ts';
import type { WaitingOptions } from '../change/recorder/waiting.ts';
import type { Progress } from '../change/sink.ts';
import type { Retentions } from '../seal/build.ts';
import type { SealLimits } from '../seal/cut.ts';
import type { Head } from '../seal/head/head.ts';
import { movedOn } from '../seal/head/recover.ts';
import { createSealer, type Sealer } from '../seal/sealer.ts';
import type { ChangeSource, Opened, Resume } from '../source/source.ts';
import type { TrailStore } from '../store/store.ts';
import type { Signer } from '../trail/note.ts';
import { longestMs } from '../trail/retention.ts';
import type { Seal } from '../trail/seal.ts';
import { createFlow, type Flow } from './flow.ts';
import { type Found, findHead } from './found.ts';
import { failing, sealed, type TrailHealth } from './health.ts';
import { createPatience } from './patience.ts';

export interface TrailParts {
  readonly name: string;
  /** A fresh source for each connection. */
  readonly connect: () => ChangeSource;
  readonly store: TrailStore;
  readonly signer: Signer;
  readonly policy: Policy;
  readonly limits: SealLimits;
  readonly retentions: Retentions;
  /** Every class that the configuration names. */
  readonly classes: readonly string[];
  /** Bounds and spool of rows that wait for their context. */
  readonly waiting: WaitingOptions;
  /** What the lifecycle records say of the configuration in force; no secrets. */
  readonly effective: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly health: TrailHealth;
  readonly acceptGap: string | null;
  /** How long another connection may hold the source before we say that two daemons run, milliseconds. */
  readonly patienceMs: number;
  readonly observe: PipelineObserver;
}

/** What the daemon counts. */
export interface PipelineObserver {
  sealed(seal: Seal, tookMs: number): void;
  retried(): void;
  streaming(source: ChangeSource, recorder: Recorder): void;
}

/** Records that waited go to the sealer in pieces of this size, so that it can ask for a pause between them. */
const DRAIN_BYTES = 1024 * 1024;
/** Whoever takes over from a daemon that died should not sleep when its connection goes at last. */
const HELD_RETRY_MS = 3000;

/** Runs until `signal` is aborted (resolves, sealed and acknowledged) or the trail can't go on (rejects). */
export async function runTrail(parts: TrailParts, signal: AbortSignal): Promise<void> {
  const { health, log, clock } = parts;
  const patience = createPatience(parts.patienceMs);
  for (let failures = 0; !signal.aborted; ) {
    const headBefore = health.head;
    const began = clock.now();
    try {
      return await runOnce(parts, signal);
    } catch (error) {
      if (!(error instanceof RowsealError) || !error.retryable) throw error;
      const leftMs = patience.left(error.code, began, clock.now());
      if (leftMs !== null && leftMs <= 0) throw error;
      // Whoever got as far as sealing changes starts the back-off anew; where another holds the source, the seals are his.
      failures = leftMs === null && health.head > headBefore + 2 ? 1 : failures + 1;
      failing(health, error.message, clock.now());
      const backoff = backoffMs(failures, Math.random());
      const waitMs = leftMs === null ? backoff : Math.min(backoff, leftMs, HELD_RETRY_MS);
      log.warn(
        { code: error.code, reason: error.message, hint: error.hint, waitMs },
        'interrupted; trying again',
      );
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }
}

/** One connection, from the head as the store has it to the end of the stream. */
async function runOnce(parts: TrailParts, signal: AbortSignal): Promise<void> {
  const source = parts.connect();
  await using _source = { [Symbol.asyncDispose]: () => source.close() };
  const found = await findHead(parts, source);
  const { head } = found;
  const line = createLine(parts, source, found);
  const { sealer, flow } = line;
  await using _sealer = { [Symbol.asyncDispose]: () => sealer.close() };
  if (found.isNew) await beginTrail(parts, source, sealer);
  const checkHead = async (cause?: unknown) => {
    if (!(await movedOn(parts.store, sealer.head, found.isSeal))) return;
    const told = 'Another writer sealed while we waited for the source.';
    throw new RowsealError('trail_moved_on', told, { cause });
  };
  const opening = source.open(resumeOf(parts, source, found)).catch(async (error: unknown) => {
    // By a head that is not the newest any more even a slot that its last writer left in order has moved.
    if (error instanceof RowsealError && !error.retryable) await checkHead(error);
    throw error;
  });
  const opened = await unlessAborted(opening, signal);
  if (opened === null) return stopped(parts.health);
  await checkHead();
  const exact = head.through !== source.origin && opened.gap === null;
  const resumeAt = exact ? head : { ...head, through: opened.start, partial: null };
  const recorder = recorderAt(parts, sealer, resumeAt, found.known, flow.backlog);
  line.recorder = recorder;
  sealer.describeSource({ incarnation: opened.identity.incarnation, stream: source.streamId });
  noteOpening(parts, head, opened, recorder, sealer);
  await sealer.drain();
  await capture(parts, { source, recorder, sealer, flow }, signal);
}

/** From the recorder on: what stands behind the source. The recorder comes when the source is open. */
interface Line {
  recorder: Recorder | null;
  readonly sealer: Sealer;
  readonly flow: Flow;
}

function createLine(parts: TrailParts, source: ChangeSource, found: Found): Line {
  const { health, clock, observe } = parts;
  const flow = createFlow(source, () => line.recorder?.drain() ?? false);
  const sealer = createSealer({
    ...parts,
    trail: parts.name,
    isSeal: found.isSeal,
    head: found.head,
    abandoned: found.abandoned,
    progress: () => line.recorder?.progress() ?? found.head,
    beforeCut: () => line.recorder?.settle(),
    onSealed(seal, durable, tookMs) {
      health.head = durable.number;
      sealed(health, seal.reason, durable.through, clock.now());
      // The one acknowledgement (I1): the seal is durable, and won.
      if (durable.through !== source.origin) source.acknowledge(durable.through);
      observe.sealed(seal, tookMs);
    },
    onPressure: (full) => flow.pressure(full),
    onRetry: () => observe.retried(),
  });
  const line: Line = { recorder: null, sealer, flow };
  return line;
}

function resumeOf(parts: TrailParts, source: ChangeSource, { head, known }: Found): Resume {
  return {
    through: head.through === source.origin ? null : head.through,
    partial: head.partial?.position ?? null,
    incarnation: head.incarnation,
    acceptGap: parts.acceptGap,
    known,
  };
}

function recorderAt(
  parts: TrailParts,
  sealer: Sealer,
  resume: Progress,
  known: Known,
  onBacklog: () => void,
): Recorder {
  const { name, policy, clock, waiting, effective, retentions } = parts;
  return createRecorder({
    trail: name,
    policy,
    sink: sealer.sink,
    resume,
    now: clock.now,
    known,
    effective,
    renewMs: longestMs(retentions.all, clock.now()) / 3,
    waiting,
    drainBytes: DRAIN_BYTES,
    onBacklog,
  });
}

/** Seal 0: the genesis record, before anything is made on the server, so that a crash in between is no riddle. */
async function beginTrail(parts: TrailParts, source: ChangeSource, sealer: Sealer): Promise<void> {
  const { name, signer, clock } = parts;
  const { identity, held } = await source.inspect();
  if (held !== null) {
    throw new RowsealError(
      'slot_without_trail',
      `${held} exists, but ${parts.store.location} holds no trail for it.`,
    );
  }
  const createdAt = new Date(clock.now()).toISOString();
  const genesis = { trail: name, createdAt, source: { ...identity }, logKey: signer.key.vkey };
  recorderAt(parts, sealer, sealer.head, NOTHING_KNOWN, () => {}).genesis(genesis);
  sealer.cut('start');
  await sealer.drain();
  parts.log.info({ vkey: signer.key.vkey }, 'the trail begins');
}

/** Seals that capture goes on, from where, as what; and the accepted gap before it, if any. */
function noteOpening(
  parts: TrailParts,
  head: Head,
  opened: Opened,
  recorder: Recorder,
  sealer: Sealer,
): void {
  const { identity, start, gap } = opened;
  if (gap !== null) {
    recorder.observe({ kind: 'gap', ...gap, details: {} });
    sealer.gap({ from: gap.from, to: gap.to });
  }
  const reborn = head.incarnation !== null && head.incarnation !== identity.incarnation;
  const event = reborn ? 'source_reincarnated' : 'started';
  recorder.observe({ kind: 'lifecycle', event, details: { source: identity, start, ...parts.effective } });
  sealer.cut(gap === null ? 'start' : 'gap');
  parts.log.info({ start, incarnation: identity.incarnation, gap, event }, 'connected');
}

interface Running {
  readonly source: ChangeSource;
  readonly recorder: Recorder;
  readonly sealer: Sealer;
  readonly flow: Flow;
}

/** Streams until the end, whatever ends it; then seals what came before it, with the word that it ended and why. */
async function capture(
  parts: TrailParts,
  { source, recorder, sealer, flow }: Running,
  signal: AbortSignal,
): Promise<void> {
  parts.observe.streaming(source, recorder);
  Object.assign(parts.health, { state: 'streaming', lastError: null });
  sealer.setStreaming(true);
  const ended = await Promise.race([source.stream(recorder), sealer.failed, aborted(signal)]).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  flow.stop();
  sealer.setStreaming(false);
  const code =
    ended === null ? {} : { code: ended.error instanceof RowsealError ? ended.error.code : 'internal' };
  // Before the last word.
  recorder.settle();
  recorder.observe({ kind: 'lifecycle', event: ended === null ? 'stopped' : 'disconnected', details: code });
  sealer.cut('stop');
  if (ended === null) await sealer.drain();
  else await sealer.drain().catch(() => {});
  if (ended !== null) throw ended.error;
  stopped(parts.health);
}

function stopped(health: TrailHealth): void {
  Object.assign(health, { state: 'stopped', lastError: 'asked to stop' });
}

/** Null where the signal came first: a new slot waits for every open transaction, however long. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  work.catch(() => {}); // closing the source makes it fail, when nobody listens any more
  return Promise.race([work, aborted(signal).then(() => null)]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
