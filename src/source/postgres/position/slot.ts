/**
 * Whether and where the stream can go on: a pure decision over what the trail, the server and the slot say. The
 * cases are numbered in the order in which they are judged. It must never answer 'go on' where a transaction
 * behind `through` may be missing, unless the operator accepted exactly that.
 */
import { type ErrorCode, RowsealError } from '../../../base/errors.ts';
import type { Position } from '../../../change/change.ts';
import type { Resume } from '../../source.ts';
import { formatLsn, parseLsn } from '../wire/lsn.ts';

/** The slot's row in pg_replication_slots. */
export interface SlotState {
  readonly plugin: string | null;
  readonly slotType: string;
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  readonly activePid: string | null;
  readonly twoPhase: boolean;
  /** reserved, extended, unreserved, lost; null where nothing is reserved. */
  readonly walStatus: string | null;
  /** 17+: why the server invalidated it. */
  readonly invalidationReason: string | null;
  readonly confirmedFlush: Position | null;
}

/** What IDENTIFY_SYSTEM says, and where the trail's timeline was left. */
export interface ServerState {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** The server's end of log. */
  readonly flushed: Position;
  /** Where the server's history left the timeline that the trail last saw; null where it is the same one. */
  readonly forkedAt: Position | null;
}

export interface OpeningFacts {
  readonly slotName: string;
  readonly plugin: string;
  readonly database: string;
  readonly resume: Resume;
  readonly server: ServerState;
  readonly slot: SlotState | null;
}

export interface Gap {
  readonly from: Position;
  readonly reason: string;
}

/** What to do with the slot, and where the stream starts: at the slot's own position (`slot`) or a given one. */
export interface Opening {
  readonly action: 'use' | 'create' | 'recreate';
  /** null: the consistent point of the slot that is created. */
  readonly start: Position | null;
  /** `to` is the start. */
  readonly gap: Gap | null;
}

/** `<system identifier>/<timeline>`. */
export function incarnationOf(server: Pick<ServerState, 'systemIdentifier' | 'timeline'>): string {
  return `${server.systemIdentifier}/${server.timeline}`;
}

export function parseIncarnation(text: string): { systemIdentifier: string; timeline: number } {
  const [systemIdentifier = '', timeline = ''] = text.split('/');
  return { systemIdentifier, timeline: Number(timeline) };
}

/** Throws the error of the case. */
export function decideOpening(facts: OpeningFacts): Opening {
  const { resume, slot } = facts;

  // 1. A slot that isn't ours to read, whatever the trail says.
  if (slot !== null) checkShape(facts, slot);

  // 2. A new trail: create the slot, or take the one that a crash left between its creation and the first seal.
  if (resume.through === null) {
    if (slot === null) return { action: 'create', start: null, gap: null };
    if (isLost(slot)) throw refusal('slot_lost', facts, null, lostWhy(slot));
    if (slot.active) throw inUse(facts, slot);
    return { action: 'use', start: slot.confirmedFlush, gap: null };
  }

  const { through } = resume;
  const trail = {
    ...facts,
    through,
    known: resume.incarnation === null ? null : parseIncarnation(resume.incarnation),
    accepted: resume.acceptGap !== null && samePosition(resume.acceptGap, through),
  };
  return judgeServer(trail) ?? judgeSlot(trail);
}

/** A trail that has something sealed, and what is there to go on with. */
interface TrailFacts extends OpeningFacts {
  /** Everything before it is sealed. */
  readonly through: Position;
  /** The server that the last seal saw. */
  readonly known: Pick<ServerState, 'systemIdentifier' | 'timeline'> | null;
  /** The operator accepted a gap behind exactly `through`. */
  readonly accepted: boolean;
}

/** Is it the server that was sealed, with all that was sealed of it? null: yes, so the slot decides. */
function judgeServer(facts: TrailFacts): Opening | null {
  const { resume, server, slot, through, known, accepted } = facts;

  // 3. Another cluster. Its positions have nothing to do with ours.
  if (known !== null && known.systemIdentifier !== server.systemIdentifier) {
    const why = `system identifier ${server.systemIdentifier} instead of ${known.systemIdentifier}`;
    if (!accepted) throw refusal('source_changed', facts, through, why);
    return afterGap(facts, { from: through, reason: `accepted: ${why}` });
  }

  // 4. An older timeline: an old primary, or a backup that was started as it was.
  if (known !== null && server.timeline < known.timeline) {
    const why = `timeline ${server.timeline}, though the trail has seen ${known.timeline}`;
    throw refusal('source_changed', facts, through, why);
  }

  // 5. Promoted or restored, from a point before `through` (or the commit that the last seal waits for): the trail holds what this server never had, and
  //    this server's log behind the fork isn't what was sealed.
  if (server.forkedAt !== null && lacks(server.forkedAt, resume, through)) {
    const why = `timeline ${server.timeline} forked at ${server.forkedAt}, before ${resume.partial ?? through}`;
    if (!accepted) throw refusal('source_changed', facts, through, why);
    const reaches = slot?.confirmedFlush && parseLsn(slot.confirmedFlush) <= parseLsn(server.forkedAt);
    const gap = { from: through, reason: `accepted: ${why}` };
    return reaches && !isLost(slot)
      ? { action: 'use', start: behindFork(server.forkedAt, through), gap }
      : afterGap(facts, gap);
  }

  // 6. The server's log ends before `through`, on the same timeline: it was restored from a file copy.
  if (lacks(server.flushed, resume, through)) {
    const why = `the server's log ends at ${server.flushed}, before ${resume.partial ?? through}`;
    if (!accepted) throw refusal('source_changed', facts, through, why);
    return afterGap(facts, { from: through, reason: `accepted: ${why}` });
  }
  return null;
}

/** Does the slot still hold everything behind `through`? */
function judgeSlot(facts: TrailFacts): Opening {
  const { resume, slot, through, accepted } = facts;

  // 7. No slot: somebody dropped it.
  if (slot === null) {
    if (!accepted) throw refusal('slot_missing', facts, through, 'it does not exist');
    return afterGap(facts, { from: through, reason: 'accepted: the slot was missing' });
  }

  // 8. Invalidated: the server removed WAL that it needed.
  if (isLost(slot)) {
    if (!accepted) throw refusal('slot_lost', facts, through, lostWhy(slot));
    return afterGap(facts, { from: through, reason: `accepted: ${lostWhy(slot)}` });
  }

  // 9. Somebody streams from it; after a crash of ours that may be the server, which has not noticed yet.
  if (slot.active) throw inUse(facts, slot);

  // 10. Ahead of the last seal: Postgres would forward the start silently.
  const confirmed = slot.confirmedFlush;
  if (confirmed === null || parseLsn(confirmed) > parseLsn(through)) {
    if (!accepted) throw refusal('slot_moved', facts, through, `it stands at ${confirmed}`);
    // Between `through` and the commit that the last seal waits for there was none: nothing is missing yet.
    if (confirmed !== null && resume.partial != null && parseLsn(confirmed) <= parseLsn(resume.partial)) {
      return { action: 'use', start: through, gap: null };
    }
    return afterGap(facts, { from: through, reason: `accepted: the slot was moved to ${confirmed}` });
  }

  // 11. At `through`, or behind it after a crash of the server: START_REPLICATION skips to `through`.
  return { action: 'use', start: through, gap: null };
}

/** Whether a log that ends at `end` lacks something that was sealed. A commit record begins at its position. */
function lacks(end: Position, { partial }: Resume, through: Position): boolean {
  return parseLsn(end) < parseLsn(through) || (partial != null && parseLsn(end) <= parseLsn(partial));
}

/** A gap must move on: what begins at the fork itself is the switch of timelines, and no commit. */
function behindFork(forkedAt: Position, through: Position): Position {
  return samePosition(forkedAt, through) ? formatLsn(parseLsn(forkedAt) + 1n) : forkedAt;
}

/** Behind an accepted gap the slot goes on where it stands; a lost one is made anew, a missing one created. */
function afterGap({ slot, ...facts }: OpeningFacts, gap: Gap): Opening {
  if (slot === null) return { action: 'create', start: null, gap };
  if (slot.active) throw inUse({ ...facts, slot }, slot);
  if (isLost(slot) || slot.confirmedFlush === null) return { action: 'recreate', start: null, gap };
  return { action: 'use', start: slot.confirmedFlush, gap };
}

function checkShape(facts: OpeningFacts, slot: SlotState): void {
  const wrong: string[] = [];
  if (slot.slotType !== 'logical') wrong.push(`it is ${slot.slotType}`);
  else if (slot.plugin !== facts.plugin) wrong.push(`its plugin is ${slot.plugin}, not ${facts.plugin}`);
  if (slot.slotType === 'logical' && slot.database !== facts.database) {
    wrong.push(`it belongs to the database ${slot.database}, not ${facts.database}`);
  }
  if (slot.temporary) wrong.push('it is temporary');
  if (slot.twoPhase)
    wrong.push('it has two_phase, which would deliver prepared transactions before their commit');
  if (wrong.length > 0) {
    throw new RowsealError('source_misconfigured', `the slot ${facts.slotName}: ${wrong.join(', ')}`, {
      hint: 'Name another slot in the configuration, or drop this one if nobody needs it.',
    });
  }
}

function isLost(slot: SlotState): boolean {
  return slot.walStatus === 'lost' || slot.invalidationReason !== null;
}

function lostWhy(slot: SlotState): string {
  return `the server invalidated the slot (${slot.invalidationReason ?? `wal_status ${slot.walStatus}`})`;
}

function inUse(facts: OpeningFacts, slot: SlotState): RowsealError {
  return new RowsealError(
    'slot_in_use',
    `the slot ${facts.slotName} is in use: the server's process ${slot.activePid} (pg_stat_replication) streams from it`,
    {
      details: { slot: facts.slotName, active_pid: slot.activePid },
    },
  );
}

function refusal(code: ErrorCode, facts: OpeningFacts, through: Position | null, why: string): RowsealError {
  const upTo =
    through === null ? '' : `; everything up to ${through} is sealed, accept with --accept-gap=${through}`;
  return new RowsealError(code, `slot ${facts.slotName}: ${why}${upTo}`, {
    details: {
      slot: facts.slotName,
      through,
      accept_gap: through,
      confirmed_flush: facts.slot?.confirmedFlush ?? null,
      incarnation: incarnationOf(facts.server),
    },
  });
}

function samePosition(one: Position, other: Position): boolean {
  try {
    return parseLsn(one) === parseLsn(other);
  } catch {
    return false;
  }
}
