/**
 * What seals and records say of records before them, held to those records as far as they were read: `source.state`,
 * what acknowledged records answer for, the numbers of auth records. Seals come in their order. What lies in seals
 * or segments that are not there is not known, and nothing is a finding for it; memory is bounded, and beyond the
 * bound nothing is known either.
 */
import { isOfLaterLevel, type Seal, sealLevel } from '../../trail/seal.ts';
import type { SealState } from '../../trail/seal-source.ts';
import type { Fault } from '../findings/findings.ts';
import type { Marks } from '../records/marks.ts';
import type { SealEvidence } from './evidence.ts';
import type { SegmentReport } from './segment-check.ts';

export interface Pointers {
  /** What is wrong with what this seal and its records point at. `before` is null where the seal before is not known. */
  settle(seal: Seal, before: Seal | null, evidence: SealEvidence): Fault[];
}

/** Gap and tamper records that are remembered. */
const MAX_ALARMS = 500_000;

/** A leaf, null where there is none so far, undefined where that is not known. */
type Known = number | null | undefined;

interface Memory {
  /** The leaf behind the last seal. */
  next: number;
  /** From this leaf on every record of class trail is known. */
  knownFrom: number;
  /** Gap and tamper records that are known, and whether they may be open. */
  readonly alarms: Map<number, 'open' | 'acknowledged' | 'of level 1'>;
  policy: Known;
  capture: Known;
  /** The highest number of an auth record, and whether the next one is the next number. */
  session: number;
  sessionsKnown: boolean;
}

export function createPointers(): Pointers {
  const memory: Memory = {
    next: 0,
    knownFrom: 0,
    alarms: new Map(),
    policy: null,
    capture: null,
    session: 0,
    sessionsKnown: true,
  };
  return {
    settle(seal, before, { reports, trail }) {
      const faults: Fault[] = [];
      const add = (code: Fault['code'], message: string, leaf?: number): void => {
        faults.push({ code, message, ...(leaf === undefined ? {} : { leaf }) });
      };
      const own = seal.first + seal.count;
      if (seal.first !== memory.next) forget(memory, seal.first);
      memory.next = own + 1;
      const marks = isOfLaterLevel(seal) || trail === 'unknown' ? null : trail;
      if (marks === null) forget(memory, own);
      else if (marks !== 'none') noteMarks(marks.marks, seal, memory, add);
      if (reports === null || isOfLaterLevel(seal)) memory.sessionsKnown = false;
      else noteSessions(reports, memory, add);
      if (sealLevel(seal) === 2) {
        checkBounds(seal.source.state, own, add);
        checkState(seal, before, reports !== null, memory, add);
      }
      return faults;
    },
  };
}

type Add = (code: Fault['code'], message: string, leaf?: number) => void;

/** Nothing is known of what lies before this leaf and was not seen so far. */
function forget(memory: Memory, leaf: number): void {
  memory.knownFrom = leaf;
  memory.policy = undefined;
  memory.capture = undefined;
  memory.sessionsKnown = false;
}

/** What the records of class trail tell, and whether what they answer for is there. */
function noteMarks(marks: Marks, seal: Seal, memory: Memory, add: Add): void {
  const { alarms } = memory;
  const fresh = sealLevel(seal) === 1 ? 'of level 1' : 'open';
  for (const leaf of marks.alarms) if (alarms.size < MAX_ALARMS) alarms.set(leaf, fresh);
  for (const leaf of marks.accepted) if (alarms.has(leaf)) alarms.set(leaf, 'acknowledged');
  if (marks.more) memory.knownFrom = seal.first + seal.count;
  for (const { leaf, of } of marks.acknowledged) {
    if (alarms.has(of)) alarms.set(of, 'acknowledged');
    else if (isKnown(of, memory)) add('record_member', `leaf ${of} is no gap and no tamper record`, leaf);
  }
  memory.policy = marks.policy ?? memory.policy;
  memory.capture = marks.capture ?? memory.capture;
}

/** Whether it is known what this leaf is, where it is none of the alarms that are remembered. */
function isKnown(leaf: number, { knownFrom, alarms }: Memory): boolean {
  return leaf >= knownFrom && alarms.size < MAX_ALARMS;
}

/** Numbers of auth records have no holes: those of the seal go on where the ones before it ended. */
function noteSessions(reports: readonly SegmentReport[], memory: Memory, add: Add): void {
  const runs = reports.flatMap(({ marks }) => marks.sessions).sort((a, b) => a.first - b.first);
  for (const { first, count } of runs) {
    const next = memory.session + 1;
    if (first < next || (memory.sessionsKnown && first > next)) {
      add('record_id', `auth record ${first} is there where ${next} or a later one has its place`);
      // What is out of order once, usually is to the end.
      memory.sessionsKnown = false;
      memory.session = Math.max(memory.session, first + count - 1);
      return;
    }
    memory.session = first + count - 1;
    memory.sessionsKnown = true;
  }
}

function checkBounds(state: SealState | undefined, own: number, add: Add): void {
  const { policy, capture, open = [] } = state ?? {};
  const beyond = [policy, capture, ...open].find((leaf) => leaf !== undefined && leaf >= own);
  if (beyond !== undefined)
    add('state_rule', `its state points at leaf ${beyond}, which is not before its own`);
}

/** `whole`: all segments of the seal were read. */
function checkState(seal: Seal, before: Seal | null, whole: boolean, memory: Memory, add: Add): void {
  const state = seal.source.state ?? {};
  const last = before !== null && sealLevel(before) === 2 ? (before.source.state ?? {}) : {};
  for (const name of ['policy', 'capture'] as const) {
    const said = state[name];
    if (said === undefined) {
      if (last[name] !== undefined) add('state_rule', `its state lacks the ${name} that the seal before had`);
      continue;
    }
    const known = memory[name] === undefined ? seenFrom(last[name], seal, memory) : memory[name];
    if (whole && known !== undefined && said !== known) {
      const where = known === null ? 'there is none' : `it is leaf ${known}`;
      add('state_rule', `its state says that the last ${name} is leaf ${said}: ${where}`);
    }
    memory[name] ??= said;
  }
  if (whole) checkOpen(state.open ?? [], memory, add);
}

/** What the seal before said still holds where the records since are known: there is no newer one among them. */
function seenFrom(said: number | undefined, { first }: Seal, { knownFrom }: Memory): Known {
  return knownFrom <= first ? said : undefined;
}

/** At most one complaint a seal. */
function checkOpen(open: readonly number[], memory: Memory, add: Add): void {
  for (const leaf of open) {
    const known = memory.alarms.get(leaf);
    if (known === 'open' || (known === undefined && !isKnown(leaf, memory))) continue;
    const what = known === undefined ? 'no gap and no tamper record' : known;
    add('state_rule', `its state says that leaf ${leaf} is open, which is ${what}`);
    return;
  }
}
