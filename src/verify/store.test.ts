/** What somebody without the key can do to a store: removals, swaps, junk, versions, delete markers, locks, expiry. */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  honestDrafts,
  memoryReader,
  type StoredVersion,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { exitStatus } from './report.ts';

const objects = await buildTrail(honestDrafts());
const seal = (n: number) => `seals/00000000000${n}`;
const segments = [...objects.keys()].filter((path) => path.startsWith('segments/'));
const moneyOf = (n: number) =>
  segments.find((path) => path.includes(`money`) && path.includes(`/00000000000${n}-`))!;
const changed = (change: (copy: Map<string, Buffer>) => void) => {
  const copy = new Map(objects);
  change(copy);
  return copy;
};
const junk = Buffer.from('junk');

describe('without the key', () => {
  it('removed seals are named', async () => {
    expect((await verified(changed((o) => o.delete(seal(2))))).codes).toEqual(['seal_missing']);
    expect((await verified(changed((o) => o.delete(seal(0))))).codes).toEqual(['seal_missing']);
    const two = await verified(changed((o) => [o.delete(seal(1)), o.delete(seal(2))]));
    expect(two.findings[0]).toMatchObject({
      code: 'seal_missing',
      object: seal(1),
      message: expect.stringContaining('1 to 2'),
    });
    const none = changed((o) => [0, 1, 2, 3, 4].forEach((n) => void o.delete(seal(n))));
    expect((await verified(none)).result).toBe('unchecked');
    expect((await verified(new Map())).result).toBe('unchecked');
    expect((await verified(new Map(), { key: null })).result).toBe('unchecked');
    expect(
      (
        await verified(
          changed((o) => o.delete(seal(0))),
          { key: null },
        )
      ).codes,
    ).toEqual(['no_anchor']);
  });

  it('removed, swapped and replaced segments are named', async () => {
    for (const path of segments) {
      const verdict = await verified(changed((o) => o.delete(path)));
      expect(verdict.findings).toMatchObject([{ code: 'segment_missing', object: path }]);
    }
    const [a, b] = [moneyOf(0), moneyOf(3)];
    const swapped = await verified(changed((o) => o.set(a, objects.get(b)!).set(b, objects.get(a)!)));
    expect(new Set(swapped.findings.map(({ object }) => object))).toEqual(new Set([a, b]));
  });

  it('duplicated and swapped seals are named', async () => {
    expect((await verified(changed((o) => o.set(seal(2), objects.get(seal(1))!)))).codes).toContain(
      'seal_number',
    );
    const swapped = changed((o) => o.set(seal(2), objects.get(seal(3))!).set(seal(3), objects.get(seal(2))!));
    expect((await verified(swapped)).codes).toContain('seal_number');
  });

  it('junk and copies above the head are notices', async () => {
    const cases = [
      changed((o) => o.set(seal(5), junk)),
      changed((o) => o.set(seal(5), objects.get(seal(4))!)),
      changed((o) => o.set('seals/999999999999', junk)),
      changed((o) => o.set('seals/readme', junk)),
      changed((o) => o.set('segments/x', junk)),
      changed((o) => o.set('segments/new/2026/11/21/000000000001-0123456789abcdef.jsonl.zst', junk)),
      changed((o) => o.set('segments/default/2026/11/21/000000000001-0123456789abcdef.jsonl.zst', junk)),
    ];
    for (const each of cases) {
      const verdict = await verified(each);
      expect(verdict).toMatchObject({ result: 'ok', counts: { findings: 0, notices: 1 } });
      expect([exitStatus(verdict, false), exitStatus(verdict, true)]).toEqual([0, 1]);
    }
    const inFlight = changed((o) =>
      o.set('segments/default/2026/11/21/000000000005-0123456789abcdef.jsonl.zst', junk),
    );
    expect((await verified(inFlight)).counts.notices).toBe(0);
  });

  it('a spoiled head is not mistaken for junk', async () => {
    const spoiled = Buffer.from(
      objects.get(seal(4))!.toString().replace('"reason":"stop"', '"reason":"idle"'),
    );
    expect((await verified(changed((o) => o.set(seal(4), spoiled)))).codes).toContain('head_behind');
  });

  it('what seals list as abandoned is no residue', async () => {
    const stray = 'segments/default/2026/11/21/000000000003-0123456789abcdef.jsonl.zst';
    const drafts = honestDrafts();
    drafts[3] = {
      ...drafts[3]!,
      lie: (s) => {
        s['abandoned'] = [stray];
      },
    };
    const listed = (await buildTrail(drafts)).set(stray, junk);
    expect(await verified(listed)).toMatchObject({ result: 'ok', notices: [] });
  });
});

/** The same trail in a store of versions; `change` gets the list of one key. */
const versioned = (key: string, change: (versions: StoredVersion[]) => StoredVersion[], lock = good) =>
  new Map<string, StoredVersion[]>(
    [...objects].map(([path, bytes]) => {
      const own: StoredVersion[] = [{ version: 'v1', bytes, lock }];
      return [path, path === key ? change(own) : own];
    }),
  );
const good = { mode: 'COMPLIANCE', until: new Date('2099-01-01T00:00:00Z') } as const;
const check = (objects: ReadonlyMap<string, StoredVersion[]>, now?: Date) =>
  verified(memoryReader(objects, { locks: true }), now === undefined ? {} : { now });

describe('in a store of versions', () => {
  it('the oldest authentic version counts, the others are notices', async () => {
    for (const key of [seal(2), seal(4), moneyOf(0)]) {
      const other: StoredVersion = { version: 'v2', bytes: junk, lock: good };
      const later = await check(versioned(key, (own) => [...own, other]));
      expect(later).toMatchObject({ result: 'ok', counts: { notices: 1 } });
      const earlier = await check(versioned(key, (own) => [other, ...own]));
      expect(earlier).toMatchObject({ result: 'ok', counts: { notices: 1 } });
      const twice = await check(versioned(key, ([own]) => [own!, { ...own!, version: 'v2' }]));
      expect(twice).toMatchObject({ result: 'ok', counts: { notices: 0 } });
      const marker = await check(versioned(key, (own) => [...own, { version: 'd', bytes: null }]));
      expect(marker.noticed).toEqual(['delete_marker']);
      expect(marker.result).toBe('ok');
      const gone = await check(versioned(key, () => [{ version: 'd', bytes: null }]));
      expect(gone.result).toBe(key === seal(4) ? 'ok' : 'findings');
      expect(gone.noticed).toContain('delete_marker');
    }
  });

  it('locks are held to mode and date', async () => {
    for (const key of [seal(2), moneyOf(0)]) {
      const withLock = (lock: StoredVersion['lock']) =>
        check(versioned(key, ([own]) => [{ ...own!, lock: lock ?? null }]));
      expect((await withLock(null)).codes).toEqual(['lock_missing']);
      expect((await withLock({ ...good, mode: 'GOVERNANCE' })).codes).toEqual(['lock_mode']);
      expect((await withLock({ ...good, until: new Date('2090-01-01T00:00:00Z') })).codes).toEqual([
        'lock_short',
      ]);
    }
    expect((await check(versioned('', (own) => own))).result).toBe('ok');
  });

  it('what could not be read is never ok', async () => {
    const reader = memoryReader(objects);
    const { RowsealError } = await import('../base/errors.ts');
    for (const refused of [seal(2), moneyOf(0)]) {
      const verdict = await verified({
        ...reader,
        read: async (key, version, max) => {
          if (key === refused) throw new RowsealError('store_forbidden', 'no');
          return reader.read(key, version, max);
        },
      });
      expect(verdict.codes).toContain('not_read');
      expect(exitStatus(verdict, false)).not.toBe(0);
    }
  });
});

describe('retention', () => {
  it('what is missing after its end has expired', async () => {
    const now = new Date('2098-01-01T00:00:01Z');
    const gone = changed((o) =>
      segments.filter((p) => !p.includes('/trail/')).forEach((p) => void o.delete(p)),
    );
    expect(await verified(gone, { now })).toMatchObject({ result: 'ok', checked: { expired_segments: 6 } });
    expect((await verified(gone, { now: new Date('2097-12-31T00:00:00Z') })).codes).toEqual([
      'segment_missing',
    ]);
  });

  it('first seals may have expired when the first one left is about to', async () => {
    const gone = changed((o) =>
      [seal(0), seal(1), segments.find((p) => p.includes('/trail/'))!].forEach((p) => void o.delete(p)),
    );
    expect((await verified(gone, { now: new Date('2098-12-31T12:00:00Z') })).result).toBe('ok');
    expect((await verified(gone, { now: new Date('2098-12-30T12:00:00Z') })).codes).toContain('seal_missing');
    expect((await verified(gone, { now: new Date('2098-12-31T12:00:00Z'), key: null })).result).toBe(
      'unchecked',
    );
  });
});
