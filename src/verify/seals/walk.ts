/**
 * Walks the seals in the order of their numbers and yields the authentic ones, by the key that the seals before them hand
 * over to. What is not authentic below a later authentic seal is a finding; above the head it is junk that anybody may have
 * put there, unless it holds a checkpoint that a key of the trail signed for a larger tree. The listing is read once, as a
 * stream, and begun anew behind a seal that changes the key.
 */
import { readAhead } from '../../base/read-ahead.ts';
import { type Listed, listKeys } from '../../store/keys.ts';
import type { TrailReader } from '../../store/store.ts';
import { sealNumber, sealPath } from '../../trail/names.ts';
import type { VerifierKey } from '../../trail/note.ts';
import type { FindingLog } from '../findings/findings.ts';
import { reportAbove, reportBelow, reportEarlierKeys, reportVersions } from './around.ts';
import { createForks } from './forks.ts';
import { createGrowth, type Growth } from './growth.ts';
import { endsKnownKeys, handsOverTo, type Keys, keysBehind } from './keys.ts';
import { createPending, type Pending, type PendingSeals } from './pending.ts';
import { type Chosen, chooseSeal, type Link } from './seals.ts';

/** Seals read ahead. */
const AHEAD = 8;
const MAX_FURTHER = 2000;
const MAX_SIGNERS = 10;

export interface WalkOptions {
  /** In force at `from`. */
  readonly keys: Keys;
  /** The first seal to look at, and the last, where not all are. */
  readonly from: number;
  readonly through?: number;
  readonly now: Date;
  readonly log: FindingLog;
}

/** Further versions of seals, for the lists of abandoned objects to explain. */
export interface FurtherVersion {
  readonly key: string;
  readonly seal: number;
  readonly sha256: string;
}

/** What else is known is complete when the generator of `links` has ended. */
export interface Walk {
  readonly links: AsyncGenerator<Link>;
  readonly further: readonly FurtherVersion[];
  /** Whether any key was listed. */
  readonly any: () => boolean;
  /** Where there is no authentic seal: what stands there instead, of which nothing was said, and whose signatures it bears. */
  readonly refused: () => PendingSeals;
  readonly foreign: () => ForeignSeals;
  /** The keys so far: those in force behind the last link. */
  readonly keys: () => Keys;
  /** What came behind the last link since. */
  readonly growth: () => Growth;
}

/** Seals that bear no signature by the key, but ones by other keys. */
export interface ForeignSeals {
  /** How many. */
  readonly seals: number;
  /** The first one whose signatures name the trail, as the key does. */
  readonly first: number | null;
  /** Their keys as the signatures name them, `name+id`, unchecked; the first few. */
  readonly signers: readonly string[];
}

interface State {
  any: boolean;
  keys: Keys;
  head: Link | null;
  pending: PendingSeals;
  growth: Growth | null;
  readonly further: FurtherVersion[];
}

export function walkSeals(reader: TrailReader, options: WalkOptions): Walk {
  const state: State = {
    any: false,
    keys: options.keys,
    head: null,
    pending: createPending(),
    growth: null,
    further: [],
  };
  const growth = () => {
    state.growth ??= createGrowth(reader, { ...state, from: options.from }, options.log);
    return state.growth;
  };
  return {
    links: links(reader, options, state, growth),
    further: state.further,
    any: () => state.any,
    refused: () => state.pending,
    foreign: () => foreignOf(state.pending.first, options.keys.present),
    keys: () => state.keys,
    growth,
  };
}

async function* links(
  reader: TrailReader,
  options: WalkOptions,
  state: State,
  growth: () => Growth,
): AsyncGenerator<Link> {
  const { from, log } = options;
  const forks = createForks();
  for await (const { number, listed, chosen } of chosenSeals(reader, options, state)) {
    for (const problem of chosen.unread) log.add('not_read', listed.key, problem, { seal: number });
    const { link } = chosen;
    if (link === null) {
      state.pending.add({ number, key: listed.key, chosen });
      continue;
    }
    const { head, pending } = state;
    if (head === null && pending.first.length > 0 && handsOverTo(options.keys.present, link.file)) {
      reportEarlierKeys(pending, link, log);
    } else {
      const expected = head === null ? from : head.number + 1;
      reportBelow(pending.first, expected, head === null, link, options);
    }
    reportVersions(link, chosen, options);
    reportFurther(link, chosen, state, log);
    forks.pass(link.file.seal);
    for (const { sha256, fork } of chosen.further) {
      if (fork !== null) forks.add({ key: listed.key, seal: number, sha256, says: fork });
    }
    state.pending = createPending();
    state.head = link;
    state.keys = keysBehind(state.keys, link.file);
    yield link;
    if (endsKnownKeys(link.file)) break;
  }
  const { head, pending } = state;
  if (head === null || options.through !== undefined) return;
  forks.report(head.number, log);
  if (!endsKnownKeys(head.file)) await reportAbove(pending, head, growth(), log);
}

/** Every key of a seal's form, with the version that counts, a few read ahead. */
async function* chosenSeals(
  reader: TrailReader,
  { from, through = Number.POSITIVE_INFINITY, log }: WalkOptions,
  state: State,
): AsyncGenerator<{ number: number; listed: Listed; chosen: Chosen }> {
  let after = from > 0 ? sealPath(from - 1) : undefined;
  for (let keys: Keys | null = null; keys !== state.keys; ) {
    keys = state.keys;
    const choose = async (listed: Listed) => {
      const number = sealNumber(listed.key);
      return {
        listed,
        number,
        chosen: number === null ? null : await chooseSeal(reader, number, listed, keys!),
      };
    };
    for await (const { listed, number, chosen } of readAhead(
      listKeys(reader, 'seals/', after),
      AHEAD,
      choose,
    )) {
      state.any = true;
      after = listed.key;
      if (number === null || chosen === null) log.add('stray_object', listed.key, 'it has no seal’s name');
      else if (number > through) return;
      else yield { number, listed, chosen };
      if (keys !== state.keys) break;
    }
  }
}

/** Other bytes behind the seal that counts, which anybody can have put there. */
function reportFurther({ key, number }: Link, chosen: Chosen, state: State, log: FindingLog): void {
  for (const { sha256, fork } of chosen.further) {
    if (fork !== null) continue;
    if (state.further.length < MAX_FURTHER) state.further.push({ key, seal: number, sha256 });
    else log.add('further_version', key, 'a further version with other bytes', { seal: number });
  }
}

function foreignOf(pending: readonly Pending[], { name }: VerifierKey): ForeignSeals {
  const signers = new Set<string>();
  let seals = 0;
  let first: number | null = null;
  for (const { number, chosen } of pending) {
    const named = chosen.refused.kept.flatMap((each) => each.signers);
    if (named.length > 0) seals += 1;
    if (named.some((signer) => signer.name === name)) first ??= number;
    for (const signer of named) {
      if (signers.size < MAX_SIGNERS) signers.add(`${signer.name}+${signer.id}`);
    }
  }
  return { seals, first, signers: [...signers] };
}
