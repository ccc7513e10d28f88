/**
 * Opens a source: sees that nobody reads the binlog under our server_id, looks at the server, has the case judged
 * (continuation.ts). Nothing is made on the server: MySQL keeps nothing for us.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RowsealError } from '../../base/errors.ts';
import type { Position } from '../../change/change.ts';
import type { Opened, Resume, SourceIdentity } from '../source.ts';
import type { Flavor } from './bytes/flavor.ts';
import { decideOpening } from './position/continuation.ts';
import type { Look, Watch } from './watch/watch.ts';
import { readClaim, serverIdInUse, sessionText } from './wire/claim.ts';
import type { ConnectionTarget } from './wire/connection.ts';
import { errnoOf } from './wire/failure.ts';
import { readOwnDumps } from './wire/processes.ts';
import {
  incarnationOf,
  readBinlogState,
  readEnd,
  readFacts,
  readRival,
  type ServerFacts,
} from './wire/server.ts';
import { createSideSession, type SideSession } from './wire/sessions.ts';

export interface OpeningParts {
  readonly target: ConnectionTarget;
  readonly serverId: number;
  readonly watch: Watch;
  /** What the configuration says that the server is; null where it says nothing. */
  readonly flavor: Flavor | null;
}

/** An open source: its side session, and where the stream starts. */
export interface Attached {
  readonly side: SideSession;
  readonly facts: ServerFacts;
  readonly start: Position;
  readonly look: Look;
}

export async function openSource(
  parts: OpeningParts,
  resume: Resume,
): Promise<{ attached: Attached; opened: Opened }> {
  const { target, serverId, watch } = parts;
  const side = createSideSession(target);
  try {
    const facts = await readFacts(side);
    checkFlavor(facts, parts);
    checkServerId(facts, serverId);
    await expectNoRival(side, facts, parts);
    const look = await watch.check(side, facts, null);
    const refused = resume.acceptGap !== null;
    const { start, gap } = decideOpening({ resume, facts, ...look, refused });
    const unmatched = watch.unmatched();
    if (unmatched !== null) throw unmatched;
    return {
      attached: { side, facts, start, look },
      opened: { identity: identityOf(facts, parts), start, gap },
    };
  } catch (error) {
    await side.close();
    throw error;
  }
}

/** Changes nothing; and there is nothing that the server would hold for us. */
export async function inspectSource(
  parts: OpeningParts,
): Promise<{ identity: SourceIdentity; held: string | null }> {
  const side = createSideSession(parts.target);
  try {
    const facts = await readFacts(side);
    checkFlavor(facts, parts);
    checkServerId(facts, parts.serverId);
    return { identity: identityOf(facts, parts), held: null };
  } finally {
    await side.close();
  }
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG: one number for everything that keeps a dump from going on. */
const FATAL_READING = 1236;

/** What stands behind the server's refusal to stream from `through`: asked, not read from the error's text. */
export async function explainRefusal(
  error: unknown,
  { side, facts }: Attached,
  through: Position,
  serverId: number,
): Promise<unknown> {
  if (errnoOf(error) !== FATAL_READING) return error;
  try {
    const state = await readBinlogState(side, facts);
    const end = await readEnd(side, facts);
    decideOpening({
      resume: { through, incarnation: incarnationOf(facts), acceptGap: null },
      facts,
      state,
      end,
      refused: true,
    });
    const rival = await readRival(side, facts, serverId);
    if (rival !== null) return serverIdInUse(serverId, rival.text, error);
  } catch (explained) {
    return explained instanceof RowsealError && !explained.retryable ? explained : error;
  }
  return error;
}

/** The trail would call the server what it is not, and read its stream as if it were. */
function checkFlavor(facts: ServerFacts, { flavor, target }: OpeningParts): void {
  if (flavor === null || facts.flavor === flavor) return;
  const is = `${target.host}:${target.port} is ${NAMES[facts.flavor]} ${facts.version}`;
  throw new RowsealError('source_misconfigured', `${is}, but source.type is ${flavor}`, {
    hint: `Set source.type to ${facts.flavor}, or correct source.url.`,
  });
}

const NAMES = { mysql: 'MySQL', mariadb: 'MariaDB' } as const;

function checkServerId(facts: ServerFacts, serverId: number): void {
  if (facts.serverId !== serverId) return;
  throw new RowsealError('source_misconfigured', `server_id ${serverId} is the server's own`, {
    hint: 'Give the trail a server_id that no server and no replica of this topology has.',
  });
}

/** How long the server may take to let a dump of ours go that was ended. */
const LET_GO_MS = 5000;
/** The same for one that took leave a moment ago, and that we know nothing of: an earlier source of this account. */
const LEAVING_MS = 1000;

/** Before anything is sent that would end somebody's stream. Dumps that this process left are ended, no others. */
async function expectNoRival(
  side: SideSession,
  facts: ServerFacts,
  { serverId, watch }: OpeningParts,
): Promise<void> {
  let ended = false;
  for (const began = performance.now(); ; await sleep(50)) {
    const dumping = watch.dumps.size === 0 ? [] : await readOwnDumps(side);
    const left = dumping.filter((id) => watch.dumps.has(id));
    for (const id of watch.dumps) if (!left.includes(id)) watch.dumps.delete(id);
    for (const id of left) await endSession(side, id);
    ended ||= left.length > 0;
    const claim = await readClaim(side, serverId);
    const rival = await readRival(side, facts, serverId);
    if (claim === null && rival === null) return;
    const patienceMs = ended ? LET_GO_MS : LEAVING_MS;
    const mayGo = rival === null || rival.ours;
    if (mayGo && performance.now() - began < patienceMs) continue;
    throw serverIdInUse(serverId, claim === null ? (rival?.text ?? '') : sessionText(claim));
  }
}

/** One's own sessions may be ended without a privilege. */
export async function endSession(side: SideSession, threadId: number): Promise<void> {
  try {
    await side.query(`KILL ${threadId}`);
  } catch (error) {
    if (errnoOf(error) !== NO_SUCH_THREAD) throw error;
  }
}
const NO_SUCH_THREAD = 1094;

function identityOf(facts: ServerFacts, { serverId }: OpeningParts): SourceIdentity {
  return {
    type: facts.flavor,
    incarnation: incarnationOf(facts),
    details: {
      ...(facts.serverUuid === null ? {} : { server_uuid: facts.serverUuid }),
      server_id: facts.serverId,
      version: facts.version,
      hostname: facts.hostname,
      port: facts.port,
      gtids: facts.gtids,
      replica_server_id: serverId,
    },
  };
}
