/**
 * Streams from one position on until told to stop: link, decoder and catalog put together. Where the server can't
 * turn a text into UTF-8 (and would fail on it for ever), that one transaction is read again in the server's own
 * encoding, and the handler gets only what it had not had yet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { RowsealError } from '../../base/errors.ts';
import type { ChangeHandler } from '../../change/change.ts';
import type { Catalog } from './catalog/catalog.ts';
import { createDecoder, type Decoder, type RelationMessage } from './events/decode.ts';
import { protocolVersion, type ServerFacts } from './position/server.ts';
import { asUtf8, type Convert, converterFor, nameWith, settleWith } from './values/encoding.ts';
import { isConversionFailure } from './wire/failure.ts';
import { type Link, startReplication } from './wire/link.ts';
import { formatLsn, parseLsn } from './wire/lsn.ts';
import type { ClientEncoding, SideSession } from './wire/sessions.ts';
import { takeSocket } from './wire/takeover.ts';

export interface StreamParts {
  readonly slot: string;
  readonly publication: string;
  readonly facts: ServerFacts;
  readonly side: SideSession;
  readonly catalog: Catalog;
  readonly handler: ChangeHandler;
  readonly clock: () => number;
  readonly statusMs: number;
  readonly peerTimeoutMs: number;
  readonly log: { warn(details: object, text: string): void };
  /** A replication session in this encoding; the first one may be there already. */
  readonly connect: (encoding: ClientEncoding) => Promise<pg.Client>;
  /** Called with every new link, so that pause and acknowledge reach it; null when there is none. */
  readonly onLink: (link: Link | null) => void;
  /** Outside of transactions: after a commit, and at a keepalive that found us so. */
  readonly onIdle: () => void;
  readonly onRelation: (message: RelationMessage) => void;
}

/** How one link ended. `busy`: our own last link has not let go of the slot yet. */
type Outcome = 'closed' | 'unconvertible' | 'converted' | 'busy';

/** How often, 100 ms apart, the slot is asked for again between two links of ours. */
const MAX_BUSY = 100;

/** What is known across links of one stream. */
interface Reached {
  /** End of the last transaction that was handed over, or a later quiet position. */
  through: bigint;
  transaction: { readonly position: string; readonly begun: boolean; readonly events: number } | null;
}

/** Resolves when the link was ended on purpose. */
export async function streamFrom(parts: StreamParts, start: bigint): Promise<void> {
  const reached: Reached = { through: start, transaction: null };
  let convert: Convert | null = parts.facts.encoding === 'SQL_ASCII' ? asUtf8 : null;
  let links = 0;
  let busy = 0;
  for (;;) {
    const raw = convert !== null && parts.facts.encoding !== 'SQL_ASCII';
    const patient = links++ > 0 && busy < MAX_BUSY;
    const outcome = await streamOnce(parts, reached, convert, { raw, patient });
    busy = outcome === 'busy' ? busy + 1 : 0;
    if (outcome === 'closed') return;
    if (outcome === 'busy') await sleep(100);
    else if (outcome === 'converted') convert = null;
    else {
      parts.log.warn(
        { position: formatLsn(reached.through), encoding: parts.facts.encoding },
        'the server cannot turn a text into UTF-8: this transaction is read in its own encoding',
      );
      convert = await converterFor(parts.facts.encoding, parts.side);
    }
  }
}

async function streamOnce(
  parts: StreamParts,
  reached: Reached,
  convert: Convert | null,
  { raw, patient }: { readonly raw: boolean; readonly patient: boolean },
): Promise<Outcome> {
  const { handler } = parts;
  const client = await parts.connect(raw ? 'SQL_ASCII' : 'UTF8');
  let outcome = 'closed' as Outcome;
  const replay = reached.transaction?.begun ? reached.transaction : undefined;

  const decoder: Decoder = createDecoder({
    handler: {
      begin: (transaction) => handler.begin(transaction),
      row: handler.row.bind(handler),
      truncate: (relations, options) => handler.truncate(relations, options),
      message: (prefix, content) => handler.message(prefix, content),
      commit: (end) => {
        reached.through = parseLsn(end);
        handler.commit(end);
        parts.onIdle();
        if (!raw) return;
        outcome = 'converted';
        void link.end(); // what follows is read in UTF-8 again
      },
    },
    onRelation: (message) => {
      link.stop();
      parts.onRelation(message);
      parts.catalog.resolve(message).then(
        (relation) => {
          decoder.define(message.oid, relation);
          link.go();
        },
        (error) => link.abort(error),
      );
    },
    onType: parts.catalog.heardType,
    name: convert === null ? (bytes) => bytes.toString('utf8') : nameWith(convert),
    settle: convert === null ? null : settleWith(convert),
    ...(replay === undefined ? {} : { replay }),
  });

  const link: Link = startReplication({
    socket: takeSocket(client),
    slot: parts.slot,
    start: reached.through,
    plugin: {
      proto_version: String(protocolVersion(parts.facts.versionNumber)),
      publication_names: `"${parts.publication.replaceAll('"', '""')}"`,
      messages: 'true',
    },
    statusMs: parts.statusMs,
    peerTimeoutMs: parts.peerTimeoutMs,
    clock: parts.clock,
    onMessage: decoder.decode,
    onKeepalive: (position) => {
      if (decoder.transaction() !== null) return; // it says nothing of the rest of this transaction
      if (position > reached.through) {
        reached.through = position;
        handler.quiet(formatLsn(position));
      }
      parts.onIdle();
    },
  });
  parts.onLink(link);
  try {
    await link.done;
    return outcome;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === '55006' && patient) return 'busy';
    reached.transaction = decoder.transaction();
    if (isConversionFailure(code) && !raw && convert === null) return 'unconvertible';
    throw error;
  } finally {
    if (outcome === 'converted') reached.transaction = null;
    parts.onLink(null);
  }
}

/** The position that a stream starts at must be one; a configuration error shows here. */
export function startPosition(position: string): bigint {
  try {
    return parseLsn(position);
  } catch (cause) {
    throw new RowsealError('trail_invalid', `the trail's position ${position} is not an LSN`, { cause });
  }
}
