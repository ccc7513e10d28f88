/**
 * Reads a trail in a folder for tests, with nothing of src: seals in order, segments decompressed, records as exact
 * trees. It checks what it needs to trust the order (sizes, hashes, leaf indexes); the rest is verify's.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { type ExactObject, parseExact } from './exact-json.ts';

export interface ReadSeal {
  readonly number: number;
  readonly reason: string;
  readonly count: number;
  readonly source: {
    readonly through: string;
    readonly partial?: { readonly position: string; readonly next: number };
  };
  readonly gaps?: readonly unknown[];
  readonly abandoned?: readonly string[];
}

export interface ReadRecord {
  readonly class: string;
  readonly seal: number;
  readonly line: string;
  readonly tree: ExactObject;
}

export interface ReadTrail {
  readonly seals: readonly ReadSeal[];
  readonly records: readonly ReadRecord[];
}

interface Segment {
  readonly class: string;
  readonly object: string;
  readonly sha256: string;
  readonly first: number;
  readonly count: number;
}

export function readTrail(folder: string): ReadTrail {
  const names = readdirSync(join(folder, 'seals'))
    .filter((name) => /^\d{12}$/.test(name))
    .sort();
  const seals: ReadSeal[] = [];
  const records: ReadRecord[] = [];
  let next = 0;
  for (const [i, name] of names.entries()) {
    if (Number(name) !== i) throw new Error(`seal ${i} is missing`);
    const lines = readFileSync(join(folder, 'seals', name), 'utf8').split('\n');
    const seal = JSON.parse(lines[1] as string) as ReadSeal & {
      readonly first: number;
      readonly segments: Segment[];
    };
    if (seal.first !== next) throw new Error(`seal ${i} begins at ${seal.first}, not ${next}`);
    for (const segment of seal.segments) {
      if (segment.first !== next)
        throw new Error(`${segment.object} begins at ${segment.first}, not ${next}`);
      const found = linesOf(folder, segment);
      for (const line of found) {
        records.push({ class: segment.class, seal: i, line, tree: parseExact(line) as ExactObject });
      }
      next += found.length;
    }
    next += 1;
    seals.push(seal);
  }
  return { seals, records };
}

function linesOf(folder: string, { object, sha256, count }: Segment): string[] {
  const bytes = readFileSync(join(folder, object));
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new Error(`${object} has another hash`);
  const lines = zstdDecompressSync(bytes).toString('utf8').split('\n');
  if (lines.pop() !== '' || lines.length !== count) throw new Error(`${object} has not ${count} lines`);
  return lines;
}
