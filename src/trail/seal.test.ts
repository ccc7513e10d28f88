import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint } from './checkpoint.ts';
import { hashRecords, rootOf } from './merkle.ts';
import { segmentPath } from './names.ts';
import { parseVerifierKey, verifyNote } from './note.ts';
import { findingOf } from './refuse.ts';
import { decodeRange, formatSealFile, parseSealFile, rangeThrough, type Seal, sealLeaf } from './seal.ts';
import { decompressSegment } from './segment.ts';

const folder = new URL('../../test/vectors/trail-1/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, folder));
const seals = readdirSync(new URL('seals/', folder)).sort();
const key = parseVerifierKey(read('log.vkey').toString());

const finding = (file: Buffer): string | null => {
  try {
    parseSealFile(file);
    return null;
  } catch (error) {
    return findingOf(error) ?? String(error);
  }
};

describe('the vector', () => {
  it.each(seals)('seal %s: signature, tree, ranges', (name) => {
    const { seal, leaf, note, checkpoint } = parseSealFile(read(`seals/${name}`));
    expect(verifyNote(note, [key])).toEqual([key.vkey]);
    expect(checkpoint.size).toBe(seal.first + seal.count + 1);
    expect(rootOf(rangeThrough(seal, leaf)).equals(checkpoint.root)).toBe(true);
    for (const entry of seal.segments) {
      expect(entry.object).toBe(segmentPath(entry.class, seal.sealed_at, seal.number, entry.sha256));
      const plain = decompressSegment(read(entry.object), entry.plain_bytes);
      const { count, range } = hashRecords(plain, entry.first);
      expect({ count, range }).toEqual({ count: entry.count, range: decodeRange(entry.range) });
    }
  });

  it.each(seals)('seal %s: written again, the bytes are the same', (name) => {
    const { seal, checkpoint, note } = parseSealFile(read(`seals/${name}`));
    const text = read(`seals/${name}`).toString();
    expect(formatCheckpoint(checkpoint)).toBe(note.text);
    expect(formatSealFile(sealLeaf(seal), text.slice(text.indexOf('\n\n') + 2)).toString()).toBe(text);
  });
});

describe('a seal file', () => {
  const good = parseSealFile(read('seals/000000000002'));
  const note = read('seals/000000000002').toString().split('\n\n').slice(1).join('\n\n');
  const changed = (change: (seal: Record<string, unknown>) => void): Buffer => {
    const seal = structuredClone(good.seal) as unknown as Record<string, unknown>;
    change(seal);
    return formatSealFile(sealLeaf(seal as unknown as Seal), note);
  };

  it('is refused when any member is missing or of another type', () => {
    const optional = new Set(['segments.0', 'before.0', 'before.1', 'source.partial']);
    const paths = [
      ...Object.keys(good.seal),
      ...Object.keys(good.seal.segments[0]!).map((m) => `segments.0.${m}`),
      ...['from', 'through', 'transactions', 'partial', 'partial.position', 'partial.next'].map(
        (m) => `source.${m}`,
      ),
    ];
    for (const path of paths) {
      for (const value of [undefined, {}, -1, 1.5, '\u0000', true, null, ['x']]) {
        if (value === undefined && optional.has(path)) continue;
        const file = changed((seal) => {
          const steps = path.split('.');
          let at = seal;
          for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>;
          at[steps.at(-1)!] = value;
        });
        // Any text is a position and a path; what is made of them is checked by the verifier.
        if (value === '\u0000' && /(position|from|through|object)$/.test(path)) continue;
        expect(finding(file), `${path} = ${JSON.stringify(value)}`).toBe('seal_member');
      }
    }
  });

  it('is refused where its frame or JSON is not strict', () => {
    const text = read('seals/000000000002').toString();
    expect(finding(Buffer.from(text.replace('@v1', '@v2')))).toBe('seal_malformed');
    expect(finding(Buffer.from(text.replace('\n\n', '\n')))).toBe('seal_malformed');
    expect(finding(Buffer.from(`${text}\n`))).toBe('note_malformed');
    expect(finding(Buffer.from(text.replace('"number":2', '"number":2,"number":2')))).toBe('seal_json');
    expect(finding(Buffer.from(text.replace('"number":2', '"number":2.0')))).toBe('seal_member');
    expect(finding(Buffer.from(text.replace('"first":9', '"first":09')))).toBe('seal_json');
    expect(finding(Buffer.alloc(1024 * 1024 + 1, 0x20))).toBe('seal_too_large');
  });

  it('passes over members that it does not know', () => {
    expect(finding(changed((seal) => Object.assign(seal, { later: { x: 1.5 } })))).toBe(null);
  });
});
