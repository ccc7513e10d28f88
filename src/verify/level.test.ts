/**
 * Auditors upgrade last. A trail that a later version goes on with is not tampered with: what this verifier knows of it
 * (signatures, chain, tree, segments, locks) is held to its rules, and of its records it says that it could not check.
 */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  honestDrafts,
  type Loose,
  memoryReader,
  NAME,
  OTHER_SIGNER,
  type SealDraft,
  SIGNER,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { silentLog } from '../base/log.ts';
import { sealCheck } from '../seal/head/oldest.ts';
import { recover } from '../seal/head/recover.ts';
import { sealPath } from '../trail/names.ts';
import { exitStatus } from './report.ts';

/** The honest trail, whose last two seals are of level 3, with records that no rule of levels 1 and 2 would let pass. */
function laterDrafts(change: (drafts: SealDraft[]) => void = () => {}): SealDraft[] {
  const drafts = honestDrafts();
  const records = {
    default: ['{"kind":"change","id":"made:4:1","patch":"by other rules"}', 'not even JSON'],
    trail: ['{"kind":"difference","rows":[1e999]}'],
  };
  drafts[3] = { ...drafts[3]!, records, source: { ...drafts[3]!.source, level: 3 } };
  drafts[4] = {
    records: {},
    source: { from: 'p4', through: 'p4', transactions: 4, level: 3 },
    reason: 'idle',
  };
  change(drafts);
  return drafts;
}

/** The draft with its seal's JSON changed before it is signed. */
const lied = (draft: SealDraft, lie: (seal: Loose) => void): SealDraft => ({ ...draft, lie });

describe('a trail that goes on at a later level', () => {
  it('could not be checked as far as its records go, and is no finding', async () => {
    const verdict = await verified(await buildTrail(laterDrafts()));
    expect(verdict).toMatchObject({ result: 'unchecked', codes: ['level_unknown'], notices: [] });
    expect(verdict.unchecked).toHaveLength(1);
    expect(verdict.unchecked[0]).toMatchObject({
      object: sealPath(3),
      seal: 3,
      message: expect.stringContaining('level 3'),
    });
    expect(exitStatus(verdict, true)).toBe(2);
    expect(verdict).toMatchObject({ head: { number: 4 }, checked: { seals: 5, segments: 6, records: 9 } });
  });

  it('never goes back, or whoever holds the key would be rid of the rules of the later level', async () => {
    for (const [before, behind] of [
      [2, 1],
      [3, 2],
    ] as const) {
      const drafts = honestDrafts();
      const at = (level: number) => (seal: Loose) => ((seal['source'] as Loose)['level'] = level);
      drafts[3] = lied({ ...drafts[3]!, records: {}, reason: 'idle' }, at(before));
      drafts[4] = lied({ ...drafts[4]!, records: {}, reason: 'idle' }, at(behind));
      const verdict = await verified(await buildTrail(drafts), { sealsOnly: true });
      expect(verdict.findings.map(({ code, object }) => [code, object])).toContainEqual([
        'level_back',
        sealPath(4),
      ]);
    }
  });

  it('is whole where records are not looked at', async () => {
    const verdict = await verified(await buildTrail(laterDrafts()), { sealsOnly: true });
    expect(verdict).toMatchObject({ result: 'ok', unchecked: [], checked: { seals: 5 } });
  });

  it.each<[string, (objects: Map<string, Buffer>) => void, string]>([
    [
      'a byte of a segment',
      (all) => spoil(all, 'segments/default/2026/11/21/000000000003'),
      'sha256_mismatch',
    ],
    [
      'a segment that is gone',
      (all) => remove(all, 'segments/trail/2026/11/21/000000000003'),
      'segment_missing',
    ],
    ['a seal that is gone', (all) => remove(all, sealPath(3)), 'seal_missing'],
    ['a byte of a seal', (all) => spoil(all, sealPath(3)), 'seal_member'],
  ])('%s is still a finding', async (_what, change, code) => {
    const objects = await buildTrail(laterDrafts());
    change(objects);
    const verdict = await verified(objects);
    expect(verdict.result).toBe('findings');
    expect(verdict.codes).toContain(code);
  });

  it('records that do not hash to what their seal says are still a finding', async () => {
    const plain = () => Buffer.from('{"kind":"change"}\n{"kind":"change"}\n');
    const drafts = laterDrafts((all) => {
      all[3] = { ...all[3]!, records: { default: all[3]!.records['default']! }, plain };
    });
    expect((await verified(await buildTrail(drafts))).codes).toEqual(['range_mismatch', 'level_unknown']);
  });

  it('records of the levels that it knows are held to their rules', async () => {
    const drafts = laterDrafts((all) => {
      all[2] = { ...all[2]!, records: { default: ['{"kind":"change"}'] } };
    });
    const { result, codes } = await verified(await buildTrail(drafts));
    expect({ result, codes }).toMatchObject({
      result: 'findings',
      codes: expect.arrayContaining(['record_member', 'level_unknown']),
    });
  });

  // By rules to come a seal names the key that signs the ones behind it.
  it('a key that changes by rules of that level ends what could be checked', async () => {
    const nextKey = (seal: Loose) => {
      seal['next_key'] = OTHER_SIGNER.key.vkey;
    };
    const drafts = laterDrafts((all) => {
      all[3] = lied(all[3]!, nextKey);
      all[4] = { ...all[4]!, signer: OTHER_SIGNER };
    });
    const verdict = await verified(await buildTrail(drafts));
    expect(verdict).toMatchObject({ result: 'unchecked', codes: ['level_unknown'], head: { number: 3 } });
    expect(verdict.unchecked.map(({ seal }) => seal)).toEqual([3, 3]);
    // At level 1 no key changes: what another key signed is none of this trail's.
    const first = honestDrafts();
    first[3] = lied(first[3]!, nextKey);
    first[4] = { ...first[4]!, signer: OTHER_SIGNER };
    expect((await verified(await buildTrail(first))).codes).toEqual([]);
    expect((await verified(await buildTrail(first))).noticed).toEqual(['seal_junk']);
  });

  it.each([0, -1, 1.5, '2', null])('a level of %j is none', async (level) => {
    const drafts = laterDrafts((all) => {
      all[2] = lied(all[2]!, (seal) => {
        seal['source'] = { ...seal['source'], level };
      });
    });
    expect((await verified(await buildTrail(drafts))).codes).toContain('seal_member');
  });

  it('is not gone on with by a daemon that does not know the level', async () => {
    const reader = memoryReader(await buildTrail(laterDrafts()));
    await expect(recover(reader, sealCheck(NAME, SIGNER.key), ['default'], silentLog)).rejects.toMatchObject({
      code: 'trail_invalid',
      message: expect.stringContaining('later version'),
    });
  });
});

function keyOf(objects: ReadonlyMap<string, Buffer>, start: string): string {
  return [...objects.keys()].find((key) => key.startsWith(start))!;
}

function spoil(objects: Map<string, Buffer>, start: string): void {
  const key = keyOf(objects, start);
  const bytes = Buffer.from(objects.get(key)!);
  const at = bytes.indexOf('"age"');
  bytes[at === -1 ? 60 : at + 1]! ^= 1;
  objects.set(key, bytes);
}

function remove(objects: Map<string, Buffer>, start: string): void {
  objects.delete(keyOf(objects, start));
}
