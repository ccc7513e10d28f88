/**
 * Opens a source: looks at server and slot, has the case judged (slot.ts), and makes what is to be made. Nothing
 * is created or dropped before every check has passed; a crash in between leaves a slot that the next opening
 * takes as it is (new trail) or that the accepted gap ends at.
 */
import type pg from 'pg';
import { RowsealError } from '../../base/errors.ts';
import type { Position } from '../../change/change.ts';
import type { Opened, Resume, SourceIdentity } from '../source.ts';
import {
  createSlot,
  dropSlot,
  identify,
  protocolVersion,
  readFacts,
  readSlot,
  type ServerFacts,
} from './position/server.ts';
import { decideOpening, incarnationOf, parseIncarnation, type ServerState } from './position/slot.ts';
import { startPosition } from './stream.ts';
import type { Watch } from './watch/watch.ts';
import type { ConnectionTarget } from './wire/connection.ts';
import { asRowsealError } from './wire/failure.ts';
import { connectSession, createSideSession, type SideSession } from './wire/sessions.ts';

export interface OpeningParts {
  readonly target: ConnectionTarget;
  readonly slot: string;
  readonly publication: string;
  readonly failover: boolean;
  readonly watch: Watch;
  readonly log: { warn(details: object, text: string): void };
  /** The server ends the side session because it goes down. */
  readonly onLeave: () => void;
  /** Aborted: nobody waits for the opening any more. A slot may wait for open transactions for hours. */
  readonly signal: AbortSignal;
}

/** An open source: its sessions, and where the stream starts. */
export interface Attached {
  readonly side: SideSession;
  readonly facts: ServerFacts;
  readonly start: Position;
  readonly endOfLog: bigint | null;
  /** The replication session, until the stream takes it over. */
  client: pg.Client | null;
}

export async function openSource(
  parts: OpeningParts,
  resume: Resume,
): Promise<{ attached: Attached; opened: Opened }> {
  const { target, slot, watch } = parts;
  if (resume.through !== null) startPosition(resume.through);
  const side = createSideSession(target, parts.onLeave);
  let client: pg.Client | null = null;
  const leave = () => void client?.end().catch(() => undefined); // cuts the connection where a query runs
  parts.signal.addEventListener('abort', leave);
  try {
    const facts = await readFacts(side);
    client = await connectSession(target, 'replication');
    parts.signal.throwIfAborted();
    const known = resume.incarnation === null ? null : parseIncarnation(resume.incarnation).timeline;
    const server = await identify(client, known);
    const opening = decideOpening({
      slotName: slot,
      plugin: 'pgoutput',
      database: facts.database,
      resume,
      server,
      slot: await readSlot(side, slot, facts.versionNumber),
    });
    const { endOfLog } = await watch.check(side, facts.versionNumber); // throws without a publication
    const unmatched = watch.unmatched();
    if (unmatched !== null) throw unmatched;
    if (opening.action === 'recreate') await dropSlot(client, slot);
    const created = opening.action === 'use' ? null : await create(client, facts, parts);
    const start = created ?? opening.start ?? '0/0';
    const gap = opening.gap === null ? null : { ...opening.gap, to: start };
    const identity = identityOf(facts, server, parts);
    parts.signal.throwIfAborted();
    return { attached: { side, facts, start, endOfLog, client }, opened: { identity, start, gap } };
  } catch (error) {
    await client?.end().catch(() => undefined);
    await side.close();
    throw error;
  } finally {
    parts.signal.removeEventListener('abort', leave);
  }
}

/** Changes nothing. */
export async function inspectSource(
  parts: OpeningParts,
): Promise<{ identity: SourceIdentity; held: string | null }> {
  const { target, slot } = parts;
  const side = createSideSession(target, () => undefined);
  let client: pg.Client | null = null;
  try {
    const facts = await readFacts(side);
    client = await connectSession(target, 'replication');
    const server = await identify(client, null);
    const state = await readSlot(side, slot, facts.versionNumber);
    return {
      identity: identityOf(facts, server, parts),
      held: state === null ? null : `Slot ${slot}`,
    };
  } finally {
    await client?.end().catch(() => undefined);
    await side.close();
  }
}

/** The server's words for a slot that is gone or lost, or a publication, are the same: so the slot is asked for. */
export async function explainRefusal(
  error: unknown,
  { side, facts }: Attached,
  slot: string,
): Promise<unknown> {
  const code = (error as { code?: string }).code ?? '';
  if (!['55000', '42704', '58P01'].includes(code)) return asRowsealError(error, 'streaming');
  const state = await readSlot(side, slot, facts.versionNumber).catch(() => undefined);
  // 58P01, undefined_file: a WAL segment that the slot needs was removed.
  const said = (error as Error).message;
  if (state === null) return new RowsealError('slot_missing', `slot ${slot}: ${said}`, { cause: error });
  const lost =
    state?.walStatus === 'lost' || (state?.invalidationReason ?? null) !== null || code === '58P01';
  if (lost) return new RowsealError('slot_lost', `slot ${slot}: ${said}`, { cause: error });
  return asRowsealError(error, 'streaming');
}

function create(client: pg.Client, facts: ServerFacts, { slot, failover, log }: OpeningParts) {
  return createSlot(client, slot, {
    plugin: 'pgoutput',
    failover: failover && facts.versionNumber >= 170_000,
    onWait: () => log.warn({ slot }, 'the slot waits for the transactions that are open now to end'),
  });
}

function identityOf(
  facts: ServerFacts,
  server: ServerState,
  { slot, publication }: OpeningParts,
): SourceIdentity {
  return {
    type: 'postgres',
    incarnation: incarnationOf(server),
    details: {
      system_identifier: server.systemIdentifier,
      timeline: server.timeline,
      version: facts.version,
      database: facts.database,
      encoding: facts.encoding,
      lc_monetary: facts.lcMonetary,
      slot,
      plugin: 'pgoutput',
      proto_version: protocolVersion(facts.versionNumber),
      publication,
    },
  };
}
