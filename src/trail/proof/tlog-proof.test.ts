/** The proofs of test/vectors/proof, which another hand made of the trail there, and what holds in trees of any size. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint } from '../checkpoint.ts';
import { createRange, leafHash, type Range, rootOf } from '../merkle.ts';
import { parseVerifierKey, signerOf, signNote, verifyNote } from '../note.ts';
import { findingOf } from '../refuse.ts';
import { inclusionProof, provenRoot } from './inclusion.ts';
import { formatTlogProof, MAX_PROOF_BYTES, parseTlogProof, provesLeaf } from './tlog-proof.ts';

interface Vectors {
  readonly proofs: readonly {
    readonly file: string;
    readonly about: string;
    readonly index: number;
    readonly size: number;
    readonly leaf: string;
    readonly extra: string | null;
  }[];
  /** The leaf that the ones below are about. */
  readonly leaf: string;
  readonly refused: readonly { about: string; text: string }[];
  readonly prove_nothing: readonly { about: string; text: string }[];
}

const folder = new URL('../../../test/vectors/proof/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('proofs.json', folder), 'utf8')) as Vectors;
const key = parseVerifierKey(readFileSync(new URL('../trail-1/log.vkey', folder), 'utf8'));
const base64 = (text: string) => Buffer.from(text, 'base64');

const finding = (bytes: Buffer): string | null => {
  try {
    parseTlogProof(bytes);
  } catch (error) {
    return findingOf(error) ?? String(error);
  }
  return null;
};

/** The plain definition: RFC 6962 sections 2.1 and 2.1.1, over the leaves' hashes. */
function plainRoot(leaves: Range): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  const split = splitOf(leaves.length);
  const [left, right] = [plainRoot(leaves.slice(0, split)), plainRoot(leaves.slice(split))];
  return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
}

function plainPath(index: number, leaves: Range): Buffer[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...plainPath(index, left), plainRoot(right)]
    : [...plainPath(index - split, right), plainRoot(left)];
}

function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

const texts = Array.from({ length: 300 }, (_, i) => Buffer.from(`{"n":${i}}`));
const hashes = texts.map(leafHash);
const rangeOf = (first: number, end: number) => {
  const range = createRange(first);
  for (const leaf of texts.slice(first, end)) range.append(leaf);
  return range.range();
};

describe('the vectors', () => {
  it.each(vectors.proofs)('$file: $about', ({ file, index, size, leaf, extra }) => {
    const bytes = readFileSync(new URL(file, folder));
    const proof = parseTlogProof(bytes);
    expect(proof).toMatchObject({ index, extra: extra === null ? null : base64(extra) });
    expect(proof.checkpoint.size).toBe(size);
    expect(verifyNote(proof.note, [key])).toEqual([key.vkey]);
    expect(provesLeaf(proof, base64(leaf))).toBe(true);
    expect(provesLeaf(proof, leafHash(Buffer.from('another')))).toBe(false);
    expect(Buffer.from(formatTlogProof(proof)).equals(bytes)).toBe(true);
  });

  it.each(vectors.refused)('refuse $about', ({ text }) => {
    expect(finding(Buffer.from(text))).toMatch(/^(?:proof|note|checkpoint)_malformed$/);
  });

  it.each(vectors.prove_nothing)('prove nothing by $about', ({ text }) => {
    expect(provesLeaf(parseTlogProof(Buffer.from(text)), base64(vectors.leaf))).toBe(false);
  });
});

describe('inclusion', () => {
  it('knows the paths of the RFC 6962 test vectors', () => {
    const inputs = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ];
    const leaves = inputs.map((input) => leafHash(Buffer.from(input, 'hex')));
    const right = createRange(1);
    for (const input of inputs.slice(1)) right.append(Buffer.from(input, 'hex'));
    const proof = inclusionProof({ index: 0, size: 8 }, [], right.range());
    expect(proof.map((node) => node.toString('hex'))).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ]);
    expect(provenRoot({ index: 0, size: 8 }, leaves[0]!, proof)?.toString('hex')).toBe(
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    );
  });

  it('has the path of the plain definition in trees of every size to 300, and leads to their roots', () => {
    for (let size = 1; size <= 300; size++) {
      const leaves = hashes.slice(0, size);
      const root = plainRoot(leaves);
      const every = Array.from(leaves.keys());
      const some =
        size <= 33 ? every : every.filter((i) => i === 0 || i === size - 1 || (i * 7 + size) % 97 === 0);
      for (const index of some) {
        const proof = inclusionProof({ index, size }, rangeOf(0, index), rangeOf(index + 1, size));
        expect(Buffer.concat(proof).equals(Buffer.concat(plainPath(index, leaves)))).toBe(true);
        expect(provenRoot({ index, size }, leaves[index]!, proof)?.equals(root)).toBe(true);
      }
    }
  });

  it('leads to no other root: not for another leaf, place, size or hash', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (size, some, other) => {
        const index = some % size;
        const proof = inclusionProof({ index, size }, rangeOf(0, index), rangeOf(index + 1, size));
        const leaf = hashes[index]!;
        const root = rootOf(rangeOf(0, size));
        const leads = (place: { index: number; size: number }, from: Buffer, by: Range) =>
          provenRoot(place, from, by)?.equals(root) ?? false;
        expect(leads({ index, size }, leaf, proof)).toBe(true);
        expect(leads({ index, size }, hashes[(index + 1 + (other % (size - 1))) % size]!, proof)).toBe(false);
        expect(leads({ index: (index + 1 + (other % (size - 1))) % size, size }, leaf, proof)).toBe(false);
        expect(leads({ index, size }, leaf, proof.slice(1))).toBe(false);
        expect(leads({ index, size }, leaf, [...proof, leaf])).toBe(false);
        const spoiled = proof.map((node, i) => (i === other % proof.length ? leaf : node));
        expect(leads({ index, size }, leaf, spoiled)).toBe(false);
      }),
    );
  });

  it('takes indexes up to 2^53, and nothing that is none', () => {
    const size = Number.MAX_SAFE_INTEGER;
    const node = Buffer.alloc(32);
    for (const index of [0, size - 1, 2 ** 52, 2 ** 52 - 1, 2 ** 40 + 12_345]) {
      const lengths = Array.from({ length: 60 }, (_, n) =>
        provenRoot({ index, size }, node, Array(n).fill(node)),
      );
      expect(lengths.filter((root) => root !== null)).toHaveLength(1);
    }
    for (const place of [
      { index: 1, size: 1 },
      { index: -1, size: 1 },
      { index: 0, size: 0 },
      { index: 0.5, size: 2 },
      { index: 0, size: 2 ** 53 },
      { index: Number.NaN, size: 3 },
    ]) {
      expect(provenRoot(place, node, [])).toBe(null);
    }
    const place = { index: 1, size: 4 };
    expect(() => inclusionProof(place, rangeOf(0, 1), [])).toThrow(RangeError);
    expect(() => inclusionProof(place, [], rangeOf(2, 4))).toThrow(RangeError);
  });
});

describe('the text', () => {
  const { signer } = signerOf('log.example.com/t', Buffer.alloc(32, 7));

  it('comes back as it went', async () => {
    const proofs = fc.record({
      extra: fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }).map((some) => Buffer.from(some))),
      index: fc.maxSafeNat(),
      hashes: fc.array(
        fc.nat(299).map((i) => hashes[i]!),
        { maxLength: 60 },
      ),
    });
    const checkpoint = { origin: signer.key.name, size: 300, root: rootOf(rangeOf(0, 300)) };
    const signed = await signNote(formatCheckpoint(checkpoint), [signer]);
    fc.assert(
      fc.property(proofs, (proof) => {
        const text = formatTlogProof({ ...proof, signed });
        const parsed = parseTlogProof(Buffer.from(text));
        expect(parsed).toMatchObject({ ...proof, signed, checkpoint });
        expect(formatTlogProof(parsed)).toBe(text);
      }),
    );
  });

  it('is refused over 1 MiB', () => {
    const long = readFileSync(new URL(vectors.proofs[0]!.file, folder), 'utf8').replace(
      'index',
      `extra ${'AAAA'.repeat(MAX_PROOF_BYTES / 4)}\nindex`,
    );
    expect(finding(Buffer.from(long))).toBe('proof_malformed');
  });

  it('ends on any bytes, and on any change to one, with a refusal or what it then says', () => {
    const good = readFileSync(new URL(vectors.proofs[3]!.file, folder));
    const end = (bytes: Buffer) => {
      const found = finding(bytes);
      if (found !== null) expect(found).toMatch(/_malformed$/);
      else expect(Buffer.from(formatTlogProof(parseTlogProof(bytes))).equals(bytes)).toBe(true);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (some) => {
        end(Buffer.from(some));
        end(Buffer.concat([good.subarray(0, 23), some]));
      }),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const spoiled = Buffer.from(good);
        spoiled[at]! ^= by;
        end(spoiled);
      }),
    );
  });
});
