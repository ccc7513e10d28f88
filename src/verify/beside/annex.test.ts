/**
 * What lies under cosignatures/ and timestamps/: honest things are silent, anything else is a notice that anybody can
 * cause, and a checkpoint that a key of the trail signed for more leaves than it has tells of seals that are gone.
 */
import { describe, expect, it } from 'vitest';
import { COSIGNER, cosignature, cosigned, token } from '../../../test/support/beside-builder.ts';
import {
  buildTrail,
  handingOver,
  honestDrafts,
  memoryReader,
  OTHER_SIGNER,
  rotatedDrafts,
  SIGNER,
  type StoredVersion,
} from '../../../test/support/trail-builder.ts';
import { verified } from '../../../test/support/verified.ts';
import type { TrailReader } from '../../store/store.ts';
import { cosignaturePath, sealPath, tokenPath } from '../../trail/names.ts';
import { exitStatus } from '../report.ts';

const whole = await buildTrail(honestDrafts());
const withMore = (...more: [string, Buffer][]) => new Map([...whole, ...more]);
const without = (objects: ReadonlyMap<string, Buffer>, ...numbers: number[]) =>
  new Map([...objects].filter(([path]) => !numbers.some((number) => path === sealPath(number))));
const junk = Buffer.from('junk');

describe('beside a whole trail', () => {
  it('cosignatures and tokens of any seal are silent', async () => {
    const objects = withMore(
      ...[0, 1, 2, 3, 4].map((seal) => cosignature(whole, seal)),
      cosignature(whole, 2, { own: false, keyId: '00000000' }),
      cosignature(whole, 2, { keyId: 'ffffffff', bytes: 8 + 2420 }),
      ...[0, 3, 4].map((seal) => token(whole, seal)),
      token(whole, 3, 1),
    );
    for (const more of [{}, { sealsOnly: true }, { since: 2 }, { key: null }]) {
      expect(await verified(objects, more)).toMatchObject({ result: 'ok', notices: [] });
    }
  });

  const odd: [string, [string, Buffer], string][] = [
    ['no name', ['cosignatures/readme', junk], 'stray_cosignature'],
    ['a name of its own in a seal’s folder', ['cosignatures/000000000002/readme', junk], 'stray_cosignature'],
    ['upper case', [cosignaturePath(2, 'ABCDEF00'), junk], 'stray_cosignature'],
    ['junk', [cosignaturePath(2, COSIGNER), junk], 'stray_cosignature'],
    ['nothing', [cosignaturePath(2, COSIGNER), Buffer.alloc(0)], 'stray_cosignature'],
    ['another seal’s', [cosignaturePath(2, COSIGNER), cosignature(whole, 1)[1]], 'stray_cosignature'],
    ['another key’s', [cosignaturePath(2, 'ffffffff'), cosignature(whole, 2)[1]], 'stray_cosignature'],
    ['the log’s own signature alone', cosignature(whole, 2, { bytes: 64 }), 'stray_cosignature'],
    [
      'over 64 KiB',
      [cosignaturePath(2, COSIGNER), Buffer.concat([cosignature(whole, 2)[1], Buffer.alloc(65_536, 'x')])],
      'stray_cosignature',
    ],
    [
      'of a seal that is not there',
      [cosignaturePath(9, COSIGNER), cosignature(whole, 4)[1]],
      'stray_cosignature',
    ],
    ['no name', ['timestamps/readme', junk], 'stray_token'],
    ['another name', [tokenPath(3, 'ab'.repeat(32)), token(whole, 3)[1]], 'stray_token'],
    ['of another seal', [token(whole, 3)[0].replace('03/', '02/'), token(whole, 3)[1]], 'stray_token'],
    ['of no seal', [tokenPath(9, 'ab'.repeat(32)), junk], 'stray_token'],
  ];
  it.each(odd)('%s: %j is a notice', async (_what, [path, bytes], code) => {
    const verdict = await verified(withMore([path, bytes]));
    expect(verdict).toMatchObject({ result: 'ok', codes: [], noticed: [code] });
    expect(verdict.notices).toHaveLength(1);
    expect([exitStatus(verdict, false), exitStatus(verdict, true)]).toEqual([0, 1]);
  });

  it('those of seals that have expired, or cannot be checked, are nothing', async () => {
    const rotated = await buildTrail(rotatedDrafts());
    const more = [cosignature(rotated, 0), token(rotated, 1)];
    const verdict = await verified(new Map([...rotated, ...more]), { key: OTHER_SIGNER.key });
    expect(verdict).toMatchObject({ codes: ['key_missing'], notices: [] });
  });

  it('other folders at the root are passed over', async () => {
    const objects = withMore(['_index/x', junk], ['_holds/y', junk], ['_later/z', junk], ['bundles/a', junk]);
    expect(await verified(objects)).toMatchObject({ result: 'ok', notices: [] });
  });
});

describe('in a store of versions, with locks', () => {
  const good = { mode: 'COMPLIANCE', until: new Date('2099-01-01T00:00:00Z') } as const;
  const check = (path: string, versions: StoredVersion[]) => {
    const objects = new Map<string, StoredVersion[]>();
    for (const [key, bytes] of whole) objects.set(key, [{ version: 'v1', bytes, lock: good }]);
    return verified(memoryReader(objects.set(path, versions), { locks: true }));
  };
  const lists: [string, [string, Buffer], Buffer, string][] = [
    ['a cosignature', cosignature(whole, 2), cosignature(whole, 2, { own: false })[1], 'stray_cosignature'],
    ['a token', token(whole, 3), junk, 'stray_token'],
  ];
  it.each(lists)('%s: the oldest that is one counts', async (_what, [path, bytes], other, stray) => {
    const own = { version: 'v1', bytes, lock: good };
    expect(await check(path, [own])).toMatchObject({ result: 'ok', notices: [] });
    expect(await check(path, [own, { ...own, version: 'v2' }])).toMatchObject({ notices: [] });
    const before = await check(path, [{ version: 'v0', bytes: junk }, own]);
    expect(before).toMatchObject({ result: 'ok', noticed: [stray] });
    const behind = await check(path, [own, { version: 'v2', bytes: other }]);
    expect(behind.noticed).toEqual([other === junk ? stray : 'further_version']);
    const hidden = await check(path, [own, { version: 'd', bytes: null }]);
    expect(hidden).toMatchObject({ result: 'ok', noticed: ['delete_marker'] });
    expect(await check(path, [{ version: 'd', bytes: null }])).toMatchObject({ notices: [] });
  });

  it.each(lists)(
    '%s: without its lock, or with a lesser one, it is a notice',
    async (_what, [path, bytes]) => {
      const until = new Date('2098-12-31T00:00:00Z');
      for (const lock of [null, { ...good, until }, { ...good, mode: 'GOVERNANCE' as const }]) {
        expect(await check(path, [{ version: 'v1', bytes, lock }])).toMatchObject({
          result: 'ok',
          noticed: ['lock_weak'],
        });
      }
    },
  );

  it('what the store keeps back could not be checked', async () => {
    const [path, bytes] = cosignature(whole, 2);
    const reader = memoryReader(withMore([path, bytes]));
    const { RowsealError } = await import('../../base/errors.ts');
    const verdict = await verified({
      ...reader,
      read: async (key, version, max) => {
        if (key === path) throw new RowsealError('store_forbidden', 'no');
        return await reader.read(key, version, max);
      },
    });
    expect(verdict).toMatchObject({ result: 'unchecked', codes: ['not_read'] });
  });
});

describe('a cosignature of a larger tree', () => {
  const last = cosignature(whole, 4);
  const places: [string, [string, Buffer]][] = [
    ['at its place', last],
    ['under another seal', [cosignaturePath(2, COSIGNER), last[1]]],
    ['far above', [cosignaturePath(77, COSIGNER), last[1]]],
    ['under no seal', ['cosignatures/x', last[1]]],
    ['with junk around', [last[0], Buffer.concat([junk, last[1], junk])]],
  ];
  it.each(places)('tells that newer seals are gone: %s', async (_what, [path, bytes]) => {
    const cut = without(whole, 4);
    expect((await verified(cut)).result).toBe('ok');
    const verdict = await verified(cut.set(path, bytes));
    expect(verdict.findings).toMatchObject([{ code: 'head_behind', object: path }]);
    expect(verdict.findings[0]!.message).toContain(
      'of 18 leaves that a key of the trail signed, the trail has 16',
    );
  });

  it('also where no seal is left', async () => {
    const cut = without(whole, 0, 1, 2, 3, 4).set(...last);
    expect(await verified(cut)).toMatchObject({ result: 'findings', codes: ['head_behind', 'no_trail'] });
    expect((await verified(cut, { key: null })).result).toBe('unchecked');
  });

  it('by whichever key of the trail, and by no other', async () => {
    const rotated = await buildTrail(rotatedDrafts());
    const cut = without(rotated, 3, 4);
    expect((await verified(new Map(cut).set(...cosignature(rotated, 4)))).codes).toEqual(['head_behind']);
    // The one that was retired signs for more.
    const drafts = rotatedDrafts();
    drafts[4] = { ...drafts[4]!, signer: SIGNER };
    const retired = cosignature(await buildTrail(drafts), 4);
    expect((await verified(without(rotated, 4).set(...retired))).codes).toEqual(['head_behind']);
    const made = honestDrafts();
    made[4] = { ...made[4]!, signer: OTHER_SIGNER };
    const stranger = cosignature(await buildTrail(made), 4);
    expect(await verified(without(whole, 4).set(...stranger))).toMatchObject({
      codes: [],
      noticed: ['stray_cosignature'],
    });
  });

  it('under a seal before its key was named, too', async () => {
    const rotated = await buildTrail(rotatedDrafts());
    const [, bytes] = cosignature(rotated, 4);
    const cut = without(rotated, 4);
    const path = cosignaturePath(0, COSIGNER);
    expect((await verified(cut.set(path, bytes))).findings).toMatchObject([
      { code: 'head_behind', object: path, seal: 0 },
    ]);
    const whole = new Map(rotated).set(path, bytes);
    expect(await verified(whole)).toMatchObject({ result: 'ok', noticed: ['stray_cosignature'] });
  });

  it('without the log’s signature is what anybody can write', async () => {
    const alone = cosignature(whole, 4, { own: false });
    const verdict = await verified(without(whole, 4).set(...alone));
    expect(verdict).toMatchObject({ result: 'ok', noticed: ['stray_cosignature'] });
    expect(cosigned()).toContain('witness');
  });

  it('behind a seal that ends the known keys is nothing', async () => {
    const drafts = honestDrafts();
    drafts[3] = handingOver(drafts[3]!, SIGNER, OTHER_SIGNER);
    drafts[3] = { ...drafts[3]!, source: { ...drafts[3]!.source, level: 3 } };
    const later = await buildTrail(drafts);
    const verdict = await verified(later.set(...cosignature(later, 4)));
    expect(verdict).toMatchObject({ codes: ['level_unknown'], notices: [], head: { number: 3 } });
  });
});

describe('a trail that grows while it is read', () => {
  /** These seals are there once the seals have been listed; what lies beside them is there at once. */
  const growing = (objects: ReadonlyMap<string, Buffer>, ...hidden: number[]): TrailReader => {
    let seen = without(objects, ...hidden);
    return {
      ...memoryReader(objects),
      async *list(prefix, after) {
        yield* memoryReader(seen).list(prefix, after);
        if (prefix === 'seals/') seen = new Map(objects);
      },
    };
  };

  it('has its newer seals, once they are looked for again', async () => {
    const objects = withMore(cosignature(whole, 3), cosignature(whole, 4), token(whole, 4));
    for (const hidden of [[4], [3, 4], [2, 3, 4]]) {
      const verdict = await verified(growing(objects, ...hidden));
      expect(verdict).toMatchObject({ result: 'ok', notices: [], head: { number: hidden[0]! - 1 } });
      // The same where they do not come.
      expect((await verified(without(objects, ...hidden))).codes).toEqual(['head_behind']);
    }
    // A hole in what came is none of what was there before.
    const gone = without(objects, 3);
    expect((await verified(growing(gone, 4))).codes).toEqual(['head_behind']);
  });

  it('also by the keys that they hand over to', async () => {
    const rotated = await buildTrail(rotatedDrafts());
    const objects = new Map([...rotated, cosignature(rotated, 4), cosignature(rotated, 2)]);
    const verdict = await verified(growing(objects, 2, 3, 4));
    expect(verdict).toMatchObject({ result: 'ok', notices: [], head: { number: 1 } });
  });

  it('and copies of them above are junk', async () => {
    const copied = withMore([sealPath(900), whole.get(sealPath(4))!]);
    const verdict = await verified(growing(copied, 4));
    expect(verdict).toMatchObject({ codes: [], noticed: ['seal_junk'], head: { number: 3 } });
    expect((await verified(without(copied, 4))).codes).toEqual(['head_behind', 'seal_number']);
  });
});
