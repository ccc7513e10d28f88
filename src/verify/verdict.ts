/** What a verification came to, as data: the same for people, for --json and for whoever cites it. */
import type { TrailReader } from '../store/store.ts';
import type { VerifierKey } from '../trail/note.ts';
import type { Finding, FindingLog } from './findings/findings.ts';
import type { RememberedCheck } from './remembered.ts';
import type { Keys } from './seals/keys.ts';
import type { Link } from './seals/seals.ts';

export interface Verdict {
  readonly result: 'ok' | 'findings' | 'unchecked';
  readonly location: string;
  readonly trail: string | null;
  /** `pinned`: by the key that was given. `first-use`: by the key that the trail itself names. */
  readonly trust: {
    readonly how: 'pinned' | 'first-use' | 'none';
    readonly vkey: string | null;
    /** The key that signs behind the head: `vkey`, or the one that the seals led to from there. */
    readonly present: string | null;
    /** `name+id` of the keys that the seals name as theirs, unchecked, where none of them is signed by `vkey`. */
    readonly signers: readonly string[];
  };
  readonly scope: {
    readonly since: number;
    readonly segments: boolean;
    readonly locks: boolean;
    /** The trail was held to a head remembered from earlier, and contains it. */
    readonly remembered: boolean;
  };
  readonly head: {
    readonly number: number;
    readonly size: number;
    /** Base64. */
    readonly root: string;
    readonly sealed_at: string;
    readonly through: string;
  } | null;
  readonly checked: {
    readonly seals: number;
    readonly segments: number;
    readonly records: number;
    readonly plain_bytes: number;
    readonly expired_segments: number;
    readonly first_seal: number | null;
  };
  /** All of each kind; the lists hold at most 1000. */
  readonly counts: { readonly findings: number; readonly notices: number; readonly unchecked: number };
  readonly findings: readonly Finding[];
  readonly notices: readonly Finding[];
  readonly unchecked: readonly Finding[];
}

/** What the verdict is made of, beside the log. */
interface Checked {
  readonly options: { readonly key: VerifierKey | null; readonly since: number; readonly sealsOnly: boolean };
  readonly head: Link | null;
  readonly first: number | null;
  readonly seals: number;
  readonly segments: number;
  readonly records: number;
  readonly plainBytes: number;
  readonly expired: number;
  readonly remembered: RememberedCheck;
  readonly keys: Keys | null;
  readonly signers: readonly string[];
}

/** `verifier` null: no key was found to check with. */
export function verdictOf(
  reader: TrailReader,
  verifier: VerifierKey | null,
  run: Checked,
  log: FindingLog,
): Verdict {
  const { options, head } = run;
  const counts = {
    findings: log.count('finding'),
    notices: log.count('notice'),
    unchecked: log.count('unchecked'),
  };
  const how = verifier === null ? 'none' : options.key !== null ? 'pinned' : 'first-use';
  return {
    result: counts.findings > 0 ? 'findings' : counts.unchecked > 0 ? 'unchecked' : 'ok',
    location: reader.location,
    trail: verifier?.name ?? null,
    trust: {
      how,
      vkey: verifier?.vkey ?? null,
      present: (run.keys?.present ?? verifier)?.vkey ?? null,
      signers: run.signers,
    },
    scope: {
      since: options.since,
      segments: !options.sealsOnly,
      locks: reader.locks,
      remembered: run.remembered.isGood(),
    },
    head: head && {
      number: head.number,
      size: head.file.checkpoint.size,
      root: head.file.checkpoint.root.toString('base64'),
      sealed_at: head.file.seal.sealed_at,
      through: head.file.seal.source.through,
    },
    checked: {
      seals: run.seals,
      segments: run.segments,
      records: run.records,
      plain_bytes: run.plainBytes,
      expired_segments: run.expired,
      first_seal: run.first,
    },
    counts,
    findings: log.list('finding'),
    notices: log.list('notice'),
    unchecked: log.list('unchecked'),
  };
}
