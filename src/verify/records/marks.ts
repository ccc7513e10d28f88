/**
 * What the records of one segment tell that later seals and records point back at: where the policy and the capture
 * stand, what is missing or was tampered with, who answered for it, and the numbers of what a server's log told.
 * Bounded: a segment may hold any number of each.
 */
import { STATE_EVENTS } from '../../trail/seal-source.ts';
import type { Fault } from '../findings/findings.ts';
import type { Members } from './kinds/members.ts';

export interface Marks {
  /** Leaf of the last lifecycle record that says the policy; null where there is none. So is `capture`. */
  readonly policy: number | null;
  readonly capture: number | null;
  /** Leaves of gap and tamper records, ascending. */
  readonly alarms: readonly number[];
  /** Those of them that somebody accepted when they were written. */
  readonly accepted: readonly number[];
  /** Leaves of acknowledged records, and the leaves that they answer for. */
  readonly acknowledged: readonly { readonly leaf: number; readonly of: number }[];
  /** Numbers of auth records: runs of ascending ones, each its first number and how many. */
  readonly sessions: readonly { readonly first: number; count: number }[];
  /** Whether there are more of any of these than are kept here. */
  readonly more: boolean;
}

export interface MarkWriter {
  /** A sound record of a class; what is wrong with its place among those before it, or null. */
  note(kind: string, record: Members, leaf: number): Fault | null;
  finish(): Marks;
}

/** Of each list. */
const KEPT = 100_000;

/** `label` is the last part of the trail's name; `level` that of the records. */
export function createMarks(label: string, level: number): MarkWriter {
  const marks = {
    policy: null as number | null,
    capture: null as number | null,
    alarms: [] as number[],
    accepted: [] as number[],
    acknowledged: [] as { leaf: number; of: number }[],
    sessions: [] as { readonly first: number; count: number }[],
    more: false,
  };
  const keep = <T>(list: T[], item: T): void => {
    if (list.length < KEPT) list.push(item);
    else marks.more = true;
  };
  const session = (id: string): Fault | null => {
    const number = numberOf(id, `${label}:log:`);
    if (number === null) {
      return { code: 'record_id', message: `the id of an auth record is not ${label}:log: and its number` };
    }
    const last = marks.sessions.at(-1);
    const next = last === undefined ? 0 : last.first + last.count;
    if (number < next) {
      return {
        code: 'record_order',
        message: `auth record ${number} stands behind ${next - 1} in its class`,
      };
    }
    if (last !== undefined && number === next) last.count += 1;
    else keep(marks.sessions, { first: number, count: 1 });
    return null;
  };
  return {
    note(kind, record, leaf) {
      if (kind === 'gap' || kind === 'tamper') {
        keep(marks.alarms, leaf);
        if (kind === 'gap' && (record['reason'] as string).startsWith('accepted: '))
          keep(marks.accepted, leaf);
      } else if (kind === 'lifecycle') {
        for (const member of ['policy', 'capture'] as const)
          if (STATE_EVENTS[member].has(record['event'])) marks[member] = leaf;
      } else if (level > 1 && kind === 'acknowledged') {
        keep(marks.acknowledged, { leaf, of: record['leaf'] as number });
      } else if (level > 1 && kind === 'auth') return session(record['id'] as string);
      return null;
    },
    finish: () => marks,
  };
}

/** The integer from 1 behind this prefix, or null. */
function numberOf(id: string, prefix: string): number | null {
  if (!id.startsWith(prefix)) return null;
  const digits = id.slice(prefix.length);
  const number = Number(digits);
  return /^[1-9][0-9]*$/.test(digits) && Number.isSafeInteger(number) ? number : null;
}
