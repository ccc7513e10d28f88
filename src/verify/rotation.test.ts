/**
 * A trail whose key changes. Who holds the first key is led from seal to seal; who holds another one learns that he could
 * not check, and is never told of tampering for it; and whoever still has the old key can go on with nothing.
 */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  handingOver,
  honestDrafts,
  keyRecord,
  type Loose,
  memoryReader,
  NAME,
  OTHER_SIGNER,
  ofLevel2,
  rotatedDrafts,
  type SealDraft,
  SIGNER,
  type StoredVersion,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { sealPath } from '../trail/names.ts';
import { signerOf } from '../trail/note.ts';
import { readRecords } from './read-records.ts';
import { exitStatus, renderVerdict } from './report.ts';

const THIRD = signerOf(NAME, Buffer.alloc(32, 3)).signer;
const [K1, K2, K3] = [SIGNER.key, OTHER_SIGNER.key, THIRD.key];

/** The rotated trail, its drafts changed before they are signed. */
async function rotated(change: (drafts: SealDraft[]) => void = () => {}): Promise<Map<string, Buffer>> {
  const drafts = rotatedDrafts();
  change(drafts);
  return await buildTrail(drafts);
}

const without = (objects: Map<string, Buffer>, ...numbers: number[]) => {
  for (const number of numbers) objects.delete(sealPath(number));
  return objects;
};

describe('who holds the first key', () => {
  it.each([[K1], [null]])('is led to the present one (given: %#)', async (key) => {
    const verdict = await verified(await rotated(), { key });
    expect(verdict).toMatchObject({
      result: 'ok',
      notices: [],
      head: { number: 4 },
      checked: { seals: 5 },
      trust: { vkey: K1.vkey, present: K2.vkey },
    });
    const told = String(renderVerdict(verdict, { strict: false, color: false }));
    expect(told).toContain(`The seals lead from it to ${K2.vkey}, which signs now`);
  });

  it('is led from there to whichever seal he checks', async () => {
    for (const since of [1, 2, 3, 4, 5]) {
      const verdict = await verified(await rotated(), { since });
      const expected = since === 5 ? ['no_trail'] : [];
      expect(verdict.codes, `since ${since}`).toEqual(expected);
      expect(verdict.checked.seals).toBe(5 - since);
    }
  });

  it('is shown the records behind the change, too', async () => {
    const leaves: number[] = [];
    const problems: string[] = [];
    const query = { key: K1, mayMatch: () => true, matches: () => true };
    for await (const { seal } of readRecords(memoryReader(await rotated()), {
      ...query,
      onProblem: (message) => void problems.push(message),
    })) {
      leaves.push(seal);
    }
    expect(new Set(leaves)).toEqual(new Set([0, 2, 3, 4]));
    expect(problems).toEqual([]);
  });

  it('is led over any number of changes, to and fro', async () => {
    const signers = [SIGNER, OTHER_SIGNER, THIRD, SIGNER, THIRD, OTHER_SIGNER];
    const drafts = ofLevel2(honestDrafts()).map((draft, i) =>
      handingOver(draft, signers[i]!, signers[i + 1]!),
    );
    const verdict = await verified(await buildTrail(drafts));
    expect(verdict).toMatchObject({ result: 'ok', trust: { present: K2.vkey } });
  });

  it('names once what has no seal’s name, though the listing began anew', async () => {
    const objects = (await rotated())
      .set('seals/readme', Buffer.from('x'))
      .set(sealPath(9), Buffer.from('x'));
    const verdict = await verified(objects);
    expect(verdict).toMatchObject({ result: 'ok', counts: { notices: 2 } });
  });

  it('may keep a seal of any key as the head', async () => {
    const keys = [0, 2, 3, 4];
    const { parseSealFile } = await import('../trail/seal.ts');
    const objects = await rotated();
    for (const number of keys) {
      const remembered = parseSealFile(objects.get(sealPath(number))!).checkpoint;
      expect(await verified(objects, { remembered })).toMatchObject({
        result: 'ok',
        scope: { remembered: true },
      });
    }
  });

  it('one key may hand over to itself, with one line', async () => {
    const drafts = ofLevel2(honestDrafts());
    drafts[2] = { ...handingOver(drafts[2]!, SIGNER, SIGNER), also: [] };
    expect(await verified(await buildTrail(drafts))).toMatchObject({
      result: 'ok',
      trust: { present: K1.vkey },
    });
  });
});

describe('a seal that hands over', () => {
  it('without the next key’s signature, or with a bad one, is a finding, and is followed', async () => {
    const unsigned = await rotated((drafts) => {
      drafts[2] = { ...drafts[2]!, also: [] };
    });
    expect((await verified(unsigned)).findings).toMatchObject([{ code: 'next_key_unsigned', seal: 2 }]);
    const bad = { key: K2, sign: () => Buffer.alloc(64) };
    const spoiled = await rotated((drafts) => {
      drafts[2] = { ...drafts[2]!, also: [bad] };
    });
    expect((await verified(spoiled)).findings).toMatchObject([
      { code: 'next_key_unsigned', message: expect.stringContaining('does not verify') },
    ]);
  });

  it('without the signature of the key so far is none', async () => {
    const objects = await rotated((drafts) => {
      drafts[2] = { ...drafts[2]!, signer: OTHER_SIGNER, also: [] };
    });
    // Nothing leads behind seal 1: what another key signed there is anybody's.
    expect(await verified(objects)).toMatchObject({ codes: [], noticed: ['seal_junk'], head: { number: 1 } });
  });

  const records: [string, SealDraft['records'], number][] = [
    ['has no record of it', {}, 2],
    ['has two', { trail: [keyRecord(K2.vkey), keyRecord(K2.vkey)] }, 2],
    ['has one of another key', { trail: [keyRecord(K3.vkey)] }, 2],
    ['has none, but the next seal', { trail: [keyRecord(K2.vkey)] }, 3],
  ];
  it.each(records)('%s: a finding', async (_what, more, number) => {
    const objects = await rotated((drafts) => {
      const { trail: _own, ...rest } = drafts[number]!.records;
      drafts[number] = { ...drafts[number]!, records: { ...more, ...rest } };
    });
    expect((await verified(objects)).codes).toEqual(['key_record']);
    expect((await verified(objects, { sealsOnly: true })).codes).toEqual([]);
    // Class trail is kept longest: what it has to say is seen when all else has expired.
    for (const path of objects.keys()) if (path.startsWith('segments/default/')) objects.delete(path);
    const expired = await verified(objects, { now: new Date('2098-12-30T00:00:00Z') });
    expect(expired.codes).toEqual(['key_record']);
  });

  it.each(['junk', K1.vkey.replace(NAME, 'audit.example.com/else'), null, 7])(
    'names a vkey with the trail’s name, not %j',
    async (key) => {
      const objects = await rotated((drafts) => {
        drafts[2] = {
          ...drafts[2]!,
          lie: (seal: Loose) => {
            seal['next_key'] = key;
          },
        };
      });
      expect((await verified(objects)).codes).toContain('seal_member');
    },
  );
});

describe('the old key, behind the change', () => {
  it('signs nothing any more', async () => {
    const objects = await rotated((drafts) => {
      drafts[3] = { ...drafts[3]!, signer: SIGNER };
    });
    expect((await verified(objects)).findings).toMatchObject([{ code: 'signature_missing', seal: 3 }]);
  });

  it('nor beside the new one does it matter', async () => {
    const objects = await rotated((drafts) => {
      drafts[3] = { ...drafts[3]!, also: [SIGNER] };
    });
    expect((await verified(objects)).result).toBe('ok');
  });

  it('cannot go on with the trail; what it signs beyond the head tells of newer seals', async () => {
    const objects = await rotated((drafts) => {
      drafts[3] = { ...drafts[3]!, signer: SIGNER };
      drafts[4] = { ...drafts[4]!, signer: SIGNER };
    });
    const verdict = await verified(objects);
    expect(verdict.head?.number).toBe(2);
    expect(verdict.codes).toEqual(['head_behind', 'signature_missing']);
  });
});

describe('who holds another key than the first', () => {
  it('checks from there on, and could not check what is before, whatever it is', async () => {
    for (const spoil of [
      (_: Map<string, Buffer>) => {},
      (all: Map<string, Buffer>) => void all.set(sealPath(1), Buffer.from('junk')),
      (all: Map<string, Buffer>) => void all.delete(sealPath(1)),
    ]) {
      const objects = await rotated();
      spoil(objects);
      const verdict = await verified(objects, { key: K2 });
      expect(verdict).toMatchObject({
        result: 'unchecked',
        codes: ['key_missing'],
        notices: [],
        head: { number: 4 },
        checked: { seals: 3, first_seal: 2 },
        trust: { vkey: K2.vkey, present: K2.vkey },
      });
      expect(exitStatus(verdict, true)).toBe(2);
    }
    // Nor is anything left to say where those have expired.
    expect((await verified(without(await rotated(), 0, 1), { key: K2 })).codes).toEqual(['seal_missing']);
    expect((await verified(await rotated(), { key: K2, since: 3 })).result).toBe('ok');
  });

  it('finds what is wrong behind it all the same', async () => {
    const objects = await rotated();
    without(objects, 3);
    expect((await verified(objects, { key: K2 })).codes).toEqual(['seal_missing', 'key_missing']);
  });

  it('and without the seal that hands over, finds that the seals before are not signed', async () => {
    const { codes } = await verified(without(await rotated(), 2), { key: K2 });
    expect(codes).toEqual(['signature_missing', 'seal_missing']);
  });

  it('may hold the one that seal 0 hands over to', async () => {
    const drafts = ofLevel2(honestDrafts()).map((draft, i) =>
      i === 0 ? handingOver(draft, SIGNER, OTHER_SIGNER) : { ...draft, signer: OTHER_SIGNER },
    );
    const objects = await buildTrail(drafts);
    for (const key of [K1, K2, null]) expect((await verified(objects, { key })).codes).toEqual([]);
  });

  // An operator could else hide spoiled seals behind a seal that hands over to the key that signs anyway.
  it('is not excused by a seal that hands over from nobody', async () => {
    const drafts = ofLevel2(honestDrafts());
    drafts[2] = { ...handingOver(drafts[2]!, SIGNER, SIGNER), also: [] };
    const objects = (await buildTrail(drafts)).set(sealPath(0), Buffer.from('junk'));
    objects.set(sealPath(1), Buffer.from('junk'));
    expect((await verified(objects)).codes).toEqual(['seal_malformed']);
  });
});

describe('a generation that has expired', () => {
  it('could not be checked by the first key, and is no finding', async () => {
    const verdict = await verified(without(await rotated(), 0, 1, 2));
    expect(verdict).toMatchObject({ result: 'unchecked', codes: ['key_missing'], head: null });
    expect(verdict.unchecked[0]).toMatchObject({ object: sealPath(3), seal: 3 });
    expect(verdict.unchecked[0]!.message).toContain(K2.id);
    expect((await verified(without(await rotated(), 0, 1, 2), { since: 4 })).codes).toEqual(['key_missing']);
    expect((await verified(without(await rotated(), 0, 1, 2), { key: null })).codes).toEqual(['no_anchor']);
    // Junk at a lower number is nobody's seal.
    const junked = without(await rotated(), 0, 1, 2).set(sealPath(0), Buffer.alloc(500, 'j'));
    expect((await verified(junked)).codes).toEqual(['key_missing']);
  });

  it('is no excuse for a key that has nothing to do with the trail', async () => {
    for (const since of [0, 1, 4]) {
      const { codes } = await verified(await rotated(), { key: K3, since });
      expect(codes, `since ${since}`).toEqual(['signature_missing', 'no_signed_seal']);
    }
    const { key } = signerOf('audit.example.com/else', Buffer.alloc(32, 1)).signer;
    expect((await verified(without(await rotated(), 0, 1, 2), { key })).codes).toContain('no_signed_seal');
  });
});

describe('in a store of versions', () => {
  const good = { mode: 'COMPLIANCE', until: new Date('2099-01-01T00:00:00Z') } as const;
  /** The rotated trail with these versions of its seal 2 around its own. */
  const around = async (before: (Buffer | null)[], behind: (Buffer | null)[]) => {
    const objects = new Map<string, StoredVersion[]>();
    for (const [path, bytes] of await rotated()) {
      const all = path === sealPath(2) ? [...before, bytes, ...behind] : [bytes];
      objects.set(
        path,
        all.map((each, i) => ({ version: `v${i}`, bytes: each, lock: good })),
      );
    }
    return await verified(memoryReader(objects, { locks: true }));
  };
  const own = async (change: (draft: SealDraft) => SealDraft) => {
    const objects = await rotated((drafts) => {
      drafts[2] = change({ ...drafts[2]!, sealedAt: '2026-11-21T20:01:02.500Z' });
    });
    return objects.get(sealPath(2))!;
  };

  it('the oldest seal by the key so far leads on, whatever stands around it', async () => {
    const strange = await own((draft) => ({ ...draft, signer: OTHER_SIGNER, also: [] }));
    const verdict = await around([Buffer.from('junk'), strange, null], [Buffer.from('junk'), null]);
    expect(verdict).toMatchObject({ result: 'ok', head: { number: 4 }, trust: { present: K2.vkey } });
    expect(verdict.noticed.toSorted()).toEqual(['delete_marker', 'seal_version_invalid']);
  });

  it('a second one that leads elsewhere is a fork, and not followed', async () => {
    const elsewhere = await own((draft) => ({
      ...handingOver({ ...draft, records: honestDrafts()[2]!.records, lie: () => {} }, SIGNER, THIRD),
    }));
    const verdict = await around([], [elsewhere]);
    expect(verdict).toMatchObject({
      codes: ['seal_forked'],
      head: { number: 4 },
      trust: { present: K2.vkey },
    });
  });
});
