/** Members that seals have from level 2 on: held to their form there, and at no other level. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { signerOf } from './note.ts';
import { findingOf } from './refuse.ts';
import { formatSealFile, parseSealFile, type Seal, sealLeaf } from './seal.ts';

const text = readFileSync(new URL('../../test/vectors/trail-1/seals/000000000002', import.meta.url), 'utf8');
const note = text.split('\n\n').slice(1).join('\n\n');
const good = parseSealFile(Buffer.from(text)).seal;

type Loose = Record<string, unknown>;

/** The finding of a seal whose `source` has `source` over its own members, and the seal `more`. */
function finding(source: Loose, more: Loose = {}): string | null {
  const seal = { ...good, ...more, source: { ...good.source, ...source } };
  try {
    parseSealFile(formatSealFile(sealLeaf(seal as unknown as Seal), note));
    return null;
  } catch (error) {
    return findingOf(error);
  }
}

const digest = 'ab'.repeat(32);
const open = Array.from({ length: 64 }, (_, i) => 2 * i);
const keyOf = (name: string): string => signerOf(name, Buffer.alloc(32, 9)).signer.key.vkey;

describe('a source of level 2', () => {
  it.each<[string, Loose]>([
    ['no state', {}],
    ['an empty state', { state: {} }],
    ['a policy and a capture', { state: { policy: 0, capture: 7 } }],
    ['what is open', { state: { open: [3, 9, 10] } }],
    ['nothing open', { state: { open: [] } }],
    ['more than it names', { state: { open, more: 1 } }],
    ['a member of the state that is not known', { state: { later: 'x' } }],
    ['a witness', { witness: { position: '0/1', xid: 7 } }],
    ['how far logs were read', { log: [{ file: 'a.json', digest, offset: 0 }] }],
    ['one clock', { clock: { store_ms: 0 } }],
    ['clocks behind the writer’s', { clock: { database_ms: -1200, store_ms: -3 } }],
  ])('may have %s', (_what, source) => {
    expect(finding({ level: 2, ...source })).toBe(null);
  });

  const wrong: [string, Loose][] = [
    ['a state that is no object', { state: [] }],
    ['a policy that is no leaf', { state: { policy: '1' } }],
    ['a capture below zero', { state: { capture: -1 } }],
    ['open that is no list', { state: { open: 3 } }],
    ['open out of order', { state: { open: [9, 3] } }],
    ['open twice', { state: { open: [3, 3] } }],
    ['65 open', { state: { open: [...open, 1000] } }],
    ['more beside fewer than 64', { state: { open: open.slice(1), more: 1 } }],
    ['more beside nothing', { state: { more: 1 } }],
    ['more that is none', { state: { open, more: 0 } }],
    ['an empty witness', { witness: {} }],
    ['a witness of objects', { witness: { gtid: {} } }],
    ['a witness of null', { witness: null }],
    ['an empty log', { log: [] }],
    ['a log without digest', { log: [{ file: 'a', offset: 1 }] }],
    ['a log with another digest', { log: [{ file: 'a', digest: digest.toUpperCase(), offset: 1 }] }],
    ['no clock', { clock: {} }],
    ['a clock of text', { clock: { database_ms: '1' } }],
    ['a clock of 2^53', { clock: { store_ms: 2 ** 53 } }],
  ];
  it.each(wrong)('has not %s', (_what, source) => {
    expect(finding({ level: 2, ...source })).toBe('seal_member');
  });

  it.each(wrong)('at levels 1 and 3 means nothing: %s', (_what, source) => {
    for (const level of [undefined, 1, 3]) expect(finding({ level, ...source })).toBe(null);
  });

  it('has integers whose text is one', () => {
    const text = JSON.stringify({ ...good, source: { ...good.source, level: 2, clock: { store_ms: -7 } } });
    const of = (store: string): string | null => {
      try {
        parseSealFile(formatSealFile(Buffer.from(text.replace('-7', store)), note));
        return null;
      } catch (error) {
        return findingOf(error);
      }
    };
    expect(['-7', '7', '0'].map(of)).toEqual([null, null, null]);
    expect(['-7.0', '-0', '7e1'].map(of)).toEqual(['seal_member', 'seal_member', 'seal_member']);
  });
});

describe('a seal of level 2', () => {
  it('names the next key of this trail, or none', () => {
    const next = (vkey: unknown, level = 2) => finding({ level }, { next_key: vkey });
    expect(next(keyOf(good.trail))).toBe(null);
    for (const vkey of [keyOf('other.example/x'), `${keyOf(good.trail)} `, 'x', 7, null, {}]) {
      expect(next(vkey), JSON.stringify(vkey)).toBe('seal_member');
      expect([1, 3].map((level) => next(vkey, level))).toEqual([null, null]);
    }
    const ed25519 = keyOf(good.trail);
    expect(next(ed25519.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toBe('seal_member');
  });

  it('belongs to a trail whose name has at most 255 bytes; level 1 knew no bound', () => {
    const named = (length: number, level: number) => finding({ level }, { trail: 'x'.repeat(length) });
    expect([named(255, 2), named(256, 2), named(256, 3)]).toEqual([null, 'seal_member', 'seal_member']);
    expect(named(256, 1)).toBe(null);
  });
});
