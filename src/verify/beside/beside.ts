/**
 * What lies beside the evidence: cosignatures, time-stamp tokens, packs. None of it is evidence of the trail itself, and
 * anybody can put more of it there, so that whatever is wrong with it is a notice; but a checkpoint in it that a key of the
 * trail signed, for more leaves than the trail has, tells that newer seals are gone.
 */
import type { TrailReader } from '../../store/store.ts';
import type { FindingLog } from '../findings/findings.ts';
import type { Growth } from '../seals/growth.ts';
import type { Keys } from '../seals/keys.ts';
import type { Link } from '../seals/seals.ts';
import { createCosignatures, createTokens } from './annex.ts';
import { createClaims } from './claims.ts';
import { createPacks } from './packs.ts';

export interface Beside {
  /** Before the first seal is looked at; `trail` is its name. */
  begin(trail: string): Promise<void>;
  /** Each authentic seal, in order; `keys` as they are behind it. */
  pass(link: Link, keys: Keys): Promise<void>;
  /** Behind the last one; null: there is none. */
  finish(head: Link | null, keys: Keys, growth: Growth): Promise<void>;
}

export function createBeside(
  context: { readonly reader: TrailReader; readonly log: FindingLog; readonly now: Date },
  options: { readonly since: number; readonly sealsOnly: boolean },
): Beside {
  const claims = createClaims();
  const annexes = [createCosignatures, createTokens].map((create) =>
    create({ ...context, claims }, options.since),
  );
  const packs = createPacks({ ...context, claims }, options);
  return {
    begin: packs.begin,
    async pass(link, keys) {
      for (const annex of annexes) await annex.pass(link, keys);
      await packs.pass(link);
    },
    async finish(head, keys, growth) {
      // Without a seal from there on, what stands before it is not known.
      if (head === null && options.since > 0) return;
      for (const annex of annexes) await annex.finish(keys, growth);
      if (head !== null) await packs.finish(head, keys, growth);
      await claims.report(keys, growth, context);
    },
  };
}
