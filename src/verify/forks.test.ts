/**
 * Two seals of one number that the key signed. A race leaves one behind, and the writer says so; else it is another
 * history, kept for somebody. Nobody without the key can make what looks like one.
 */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  honestDrafts,
  type Loose,
  OTHER_SIGNER,
  rotatedDrafts,
  type SealDraft,
  SIGNER,
  type StoredVersion,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { sealPath } from '../trail/names.ts';
import { sealDigest } from '../trail/seal.ts';

const later = (draft: SealDraft, more: Partial<SealDraft> = {}): SealDraft => ({
  ...draft,
  sealedAt: '2026-11-21T20:01:59.999Z',
  ...more,
});

/** Another seal of that number, by whoever signs the draft. */
async function second(
  number: number,
  drafts = honestDrafts(),
  more: Partial<SealDraft> = {},
): Promise<Buffer> {
  const other = drafts.slice(0, number + 1);
  other[number] = later(other[number]!, more);
  return (await buildTrail(other)).get(sealPath(number))!;
}

const hex = (file: Buffer) => Buffer.from(sealDigest(file), 'base64').toString('hex');

/** The trail with these versions behind the one of seal `number`. */
async function behind(number: number, versions: readonly Buffer[], drafts = honestDrafts()) {
  const objects = new Map<string, readonly StoredVersion[]>();
  for (const [path, bytes] of await buildTrail(drafts)) {
    const own = [{ version: 'v0', bytes }];
    const more = versions.map((bytes, i) => ({ version: `v${i + 1}`, bytes }));
    objects.set(path, path === sealPath(number) ? [...own, ...more] : own);
  }
  return await verified(objects);
}

/** Seal `by` lists what it says as abandoned. */
const listing = (by: number, ...texts: string[]): SealDraft[] =>
  honestDrafts().map((draft, i) =>
    i === by
      ? {
          ...draft,
          lie: (seal: Loose) => {
            seal['abandoned'] = texts;
          },
        }
      : draft,
  );

describe('a second authentic seal of a number', () => {
  it('below the head is a finding', async () => {
    const verdict = await behind(2, [await second(2)]);
    expect(verdict.findings).toMatchObject([{ code: 'seal_forked', seal: 2, object: sealPath(2) }]);
    expect(verdict.noticed).toEqual([]);
  });

  it('is one finding, however often it is there', async () => {
    const file = await second(2);
    expect((await behind(2, [file, file, Buffer.from('junk'), file])).counts.findings).toBe(1);
    const another = await second(2, honestDrafts(), { sealedAt: '2026-11-21T20:01:59.998Z' });
    expect((await behind(2, [file, another])).counts.findings).toBe(2);
  });

  it('at the head is a notice: the next seal may list it', async () => {
    expect(await behind(4, [await second(4)])).toMatchObject({ result: 'ok', noticed: ['further_version'] });
  });

  it('that a later seal lists by its hash is nothing', async () => {
    const file = await second(2);
    for (const by of [3, 4]) {
      expect(await behind(2, [file], listing(by, hex(file)))).toMatchObject({ result: 'ok', notices: [] });
    }
  });

  it('that only an earlier seal lists, or only by its path, is a finding', async () => {
    const file = await second(2);
    expect((await behind(2, [file], listing(1, hex(file)))).codes).toContain('seal_forked');
    expect((await behind(2, [file], listing(3, sealPath(2)))).codes).toEqual(['seal_forked']);
  });

  it('by the key that signs there is one, by another key none', async () => {
    const drafts = rotatedDrafts();
    expect((await behind(3, [await second(3, drafts)], drafts)).codes).toEqual(['seal_forked']);
    const retired = await second(3, drafts, { signer: SIGNER });
    expect(await behind(3, [retired], drafts)).toMatchObject({ result: 'ok', noticed: ['further_version'] });
  });
});

describe('nobody without the key makes one', () => {
  // A seal that lost a race lies there for all to copy. A copy with one more line of signature has another hash, which no
  // seal lists: whoever may write could have made every verification report a fork, for ever.
  it('of a seal that a later one lists, by adding lines to copies of it', async () => {
    const lost = await second(2);
    const copies = [1, 2].map((byte) => {
      const payload = Buffer.alloc(72, byte).toString('base64');
      return Buffer.concat([lost, Buffer.from(`— who.example/ever ${payload}\n`)]);
    });
    const drafts = listing(3, hex(lost));
    for (const versions of [
      [lost, ...copies],
      [...copies, lost],
      [copies[0]!, lost, copies[1]!],
    ]) {
      const verdict = await behind(2, versions, drafts);
      expect(verdict).toMatchObject({ result: 'ok', noticed: ['further_version'], counts: { notices: 2 } });
    }
    // Not listed, all of them together are one.
    expect((await behind(2, [lost, ...copies])).counts).toMatchObject({ findings: 1, notices: 0 });
  });

  it('by another line of signature, nor by spoiling a copy', async () => {
    const own = (await buildTrail(honestDrafts())).get(sealPath(2))!;
    const payload = Buffer.alloc(72, 9).toString('base64');
    const signed = Buffer.concat([own, Buffer.from(`— who.example/ever ${payload}\n`)]);
    const spoiled = Buffer.from(own.toString().replace('"size"', '"idle"'));
    const stranger = await second(2, honestDrafts(), { signer: OTHER_SIGNER });
    for (const file of [signed, spoiled, stranger, Buffer.alloc(500, 'j')]) {
      expect(await behind(2, [file])).toMatchObject({ result: 'ok', noticed: ['further_version'] });
    }
  });

  it('nor hides one behind fewer than a thousand versions', async () => {
    const junk = Array.from({ length: 999 }, (_, i) => Buffer.alloc(400, String(i)));
    const file = await second(2);
    expect((await behind(2, [...junk, file])).codes).toEqual(['seal_forked']);
    const hidden = await behind(2, [...junk, Buffer.alloc(400, 'x'), file]);
    expect(hidden.codes).toEqual([]);
    expect(hidden.notices.some(({ message }) => message.includes('not looked at'))).toBe(true);
  });
});
