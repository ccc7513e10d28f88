/** Packs beside a trail: what they must agree with, that nothing comes of what they hold, and what anybody can put there. */
import { describe, expect, it } from 'vitest';
import { pack } from '../../../test/support/beside-builder.ts';
import { counting } from '../../../test/support/outsider.ts';
import {
  buildTrail,
  change,
  honestDrafts,
  memoryReader,
  rotatedDrafts,
  type StoredVersion,
} from '../../../test/support/trail-builder.ts';
import { verified } from '../../../test/support/verified.ts';
import { packPath, sealPath } from '../../trail/names.ts';
import { exitStatus } from '../report.ts';

const whole = await buildTrail(honestDrafts());
/** Another history from seal 2 on. */
const other = await buildTrail(
  honestDrafts().map((draft, i) => (i === 2 ? { ...draft, records: { default: [change(3, 1)] } } : draft)),
);
const withMore = (...more: [string, Buffer][]) => new Map([...whole, ...more]);
const without = (objects: ReadonlyMap<string, Buffer>, ...paths: string[]) =>
  new Map([...objects].filter(([path]) => !paths.includes(path)));
const junk = Buffer.from('junk');
const changed = ([path, bytes]: [string, Buffer], how: (text: string) => string): [string, Buffer] => [
  path,
  Buffer.from(how(bytes.toString('latin1')), 'latin1'),
];

describe('packs that agree with the trail', () => {
  const honest = [
    pack(whole, { last: 4 }),
    pack(whole, { first: 2, last: 3 }),
    pack(whole, { className: 'default', last: 4 }),
    pack(whole, { className: 'money', last: 3 }),
    pack(whole, { className: 'trail', last: 0 }),
  ];

  it('are silent, whatever part is looked at', async () => {
    const objects = withMore(...honest);
    for (const more of [{}, { sealsOnly: true }, { since: 1 }, { since: 4 }, { key: null }]) {
      expect(await verified(objects, more)).toMatchObject({ result: 'ok', notices: [] });
    }
  });

  it('also over a change of the key', async () => {
    const rotated = await buildTrail(rotatedDrafts());
    const objects = new Map([...rotated, pack(rotated, { last: 4 })]);
    expect(await verified(objects)).toMatchObject({ result: 'ok', notices: [] });
  });

  it('of segments are not read where seals alone are looked at', async () => {
    const { reader, asked } = counting(memoryReader(whole));
    await verified(reader, { sealsOnly: true });
    const before = asked.reads;
    const objects = withMore(...honest.slice(2), [packPath('money', 2), junk]);
    const again = counting(memoryReader(objects));
    expect(await verified(again.reader, { sealsOnly: true })).toMatchObject({ result: 'ok', notices: [] });
    expect(again.asked.reads).toBe(before);
  });
});

describe('what is a notice, and never more', () => {
  const cases: [string, [string, Buffer]][] = [
    ['no pack’s name', ['_packs/readme', junk]],
    ['an odd class', [packPath(null, 0).replace('seals', 'segments/A'), junk]],
    ['junk', [packPath(null, 0), junk]],
    ['nothing', [packPath('default', 0), Buffer.alloc(0)]],
    ['another seal', pack(other, { last: 4 })],
    ['another segment', pack(other, { className: 'default', last: 4 })],
    ['another place', [packPath(null, 1), pack(whole, { last: 4 })[1]]],
    ['another class', [packPath('money', 0), pack(whole, { className: 'default', last: 4 })[1]]],
    [
      'another trail',
      changed(pack(whole, { last: 4 }), (text) => text.replace('example.com/made', 'example.com/fake')),
    ],
    [
      'a byte of what it holds',
      changed(pack(whole, { last: 4 }), (text) => text.replace('"idle"', '"size"')),
    ],
    ['a byte behind', changed(pack(whole, { last: 4 }), (text) => `${text}x`)],
    ['a byte less', changed(pack(whole, { last: 4 }), (text) => text.slice(0, -1))],
    [
      'a segment that its seal does not name',
      changed(pack(whole, { className: 'money', last: 0 }), (text) =>
        text.replace('0000-', '0001-').replace('"last":0', '"last":1'),
      ),
    ],
  ];
  it.each(cases)('%s', async (_what, more) => {
    const verdict = await verified(withMore(more));
    expect(verdict).toMatchObject({ result: 'ok', codes: [], noticed: ['stray_pack'] });
    expect(verdict.notices).toHaveLength(1);
    expect([exitStatus(verdict, false), exitStatus(verdict, true)]).toEqual([0, 1]);
  });

  it('what is missing at its own path is missing, though a pack holds it', async () => {
    const segment = [...whole.keys()].find((path) => path.startsWith('segments/money/'))!;
    const packs = [pack(whole, { last: 4 }), pack(whole, { className: 'money', last: 4 })];
    expect((await verified(without(withMore(...packs), segment))).codes).toEqual(['segment_missing']);
    const gone = await verified(without(withMore(...packs), sealPath(2)));
    expect(gone).toMatchObject({ codes: ['seal_missing'], notices: [] });
  });

  it('many over the same seals: some are compared, the rest is told', async () => {
    const objects = new Map<string, StoredVersion[]>();
    for (const [path, bytes] of whole) objects.set(path, [{ version: 'v', bytes }]);
    const [path, bytes] = pack(whole, { last: 4 });
    for (let i = 0; i < 80; i++) {
      const [, own] = pack(whole, { className: 'default', last: 4 });
      const name = `c-${i}`;
      const file = own
        .toString('latin1')
        .replaceAll('"default"', `"${name}"`)
        .replaceAll('/default/', `/${name}/`);
      objects.set(packPath(name, 0), [{ version: 'v', bytes: Buffer.from(file, 'latin1') }]);
    }
    objects.set(
      path,
      Array.from({ length: 20 }, (_, i) => ({ version: `${i}`, bytes })),
    );
    const verdict = await verified(memoryReader(objects));
    expect(verdict).toMatchObject({ result: 'ok', codes: [], noticed: ['stray_pack'] });
    const messages = verdict.notices.map(({ message }) => message).join('\n');
    expect(messages).toContain('too many packs hold these seals');
    expect(messages).toContain('still more versions');
  });

  it('locks: one as long as the latest of what it holds', async () => {
    const until = new Date('2099-01-01T00:00:00Z');
    const good = { mode: 'COMPLIANCE', until } as const;
    const check = async ([path, bytes]: [string, Buffer], lock: StoredVersion['lock']) => {
      const objects = new Map<string, StoredVersion[]>();
      for (const [key, own] of whole) objects.set(key, [{ version: 'v', bytes: own, lock: good }]);
      objects.set(path, [{ version: 'v', bytes, lock: lock ?? null }]);
      return (await verified(memoryReader(objects, { locks: true }))).noticed;
    };
    const earlier = { ...good, until: new Date('2098-01-01T00:00:00Z') };
    expect(await check(pack(whole, { last: 4 }), good)).toEqual([]);
    expect(await check(pack(whole, { last: 4 }), earlier)).toEqual(['lock_weak']);
    expect(await check(pack(whole, { last: 4 }), null)).toEqual(['lock_weak']);
    expect(await check(pack(whole, { className: 'default', last: 4 }), earlier)).toEqual([]);
    expect(await check(pack(whole, { className: 'trail', last: 0 }), earlier)).toEqual(['lock_weak']);
  });
});

describe('packs beyond the head', () => {
  it('of seals tell that they are gone', async () => {
    const cut = without(withMore(pack(whole, { first: 3, last: 4 })), sealPath(4));
    const verdict = await verified(cut);
    expect(verdict).toMatchObject({ codes: ['head_behind'], noticed: ['stray_pack'], head: { number: 3 } });
    const all = without(withMore(pack(whole, { first: 3, last: 4 })), sealPath(2), sealPath(3), sealPath(4));
    expect((await verified(all)).codes).toEqual(['head_behind']);
  });

  it('of segments, or of junk, are notices', async () => {
    const cut = without(withMore(pack(whole, { className: 'default', last: 4 })), sealPath(4));
    expect(await verified(cut)).toMatchObject({ result: 'ok', noticed: ['stray_pack'] });
    const above = withMore([packPath(null, 9), junk]);
    expect(await verified(above)).toMatchObject({ result: 'ok', noticed: ['stray_pack'] });
  });

  it('are nothing where the trail has grown meanwhile', async () => {
    const objects = withMore(pack(whole, { last: 4 }), pack(whole, { className: 'default', last: 4 }));
    let seen = without(objects, sealPath(4));
    const reader = {
      ...memoryReader(objects),
      async *list(prefix: string, after?: string) {
        yield* memoryReader(seen).list(prefix, after);
        if (prefix === 'seals/') seen = objects;
      },
    };
    expect(await verified(reader)).toMatchObject({ result: 'ok', notices: [], head: { number: 3 } });
  });
});
