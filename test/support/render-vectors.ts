/**
 * Renders the hand-made trails of test/vectors: `node test/support/render-vectors.ts` writes them, render-vectors.test.ts
 * compares. They bind the format, so whoever finds that they came out otherwise has changed it. Nothing here is random
 * and nothing reads the clock; a time-stamp token alone, with its authority's certificate, is taken as it lies there: that key is gone.
 */
import { hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sealPath } from '../../src/trail/names.ts';
import { pack } from './beside-builder.ts';
import { buildTrail, SIGNER } from './trail-builder.ts';
import { cosigned, WITNESS_KEY } from './vectors/throwaway.ts';
import { draftsOfTrail12 } from './vectors/trail-1-2.ts';
import { draftsOfLoser, draftsOfTrail2, RACED } from './vectors/trail-2.ts';

export type Files = ReadonlyMap<string, Buffer>;

const root = new URL('../vectors/', import.meta.url);
/** Seal of the cosignature, and of the token. */
const COSIGNED = 4;
const COSIGNED_AT = Date.parse('2026-11-21T20:02:00Z') / 1000;

/** Of each trail its files by path. */
export async function renderVectors(): Promise<Readonly<Record<'trail-2' | 'trail-1-2', Files>>> {
  return { 'trail-2': await trail2(), 'trail-1-2': await trail12() };
}

const vkey = (text: string): Buffer => Buffer.from(`${text}\n`);

async function trail2(): Promise<Files> {
  const loser = await buildTrail(draftsOfLoser());
  const whole = await buildTrail(draftsOfTrail2([]));
  const file = loser.get(sealPath(RACED))!;
  const left = [...loser].filter(([path]) => path.startsWith('segments/') && !whole.has(path));
  const lost = [...left.map(([path]) => path), hash('sha256', file, 'hex')];
  const objects = await buildTrail(draftsOfTrail2(lost));
  const last = 9;
  return new Map([
    ...objects,
    ...left,
    await cosigned(objects, COSIGNED, COSIGNED_AT),
    ...given('trail-2', 'timestamps/'),
    ...given('trail-2', 'tsa.pem'),
    pack(objects, { last }),
    pack(objects, { className: 'people', last }),
    ['log.vkey', vkey(SIGNER.key.vkey)],
    ['witness.vkey', vkey(WITNESS_KEY.vkey)],
    ['lost.seal', file],
  ]);
}

async function trail12(): Promise<Files> {
  return new Map([...(await buildTrail(draftsOfTrail12())), ['log.vkey', vkey(SIGNER.key.vkey)]]);
}

/** What lies in the folder of a vector under this prefix. */
export function given(vector: string, prefix = ''): [string, Buffer][] {
  const folder = new URL(`${vector}/`, root);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.pathname.length).replace(/^\/+/, ''))
    .filter((path) => path.startsWith(prefix))
    .sort()
    .map((path) => [path, readFileSync(new URL(path, folder))]);
}

if (import.meta.main) {
  for (const [vector, files] of Object.entries(await renderVectors())) {
    for (const [path, bytes] of files) {
      const file = new URL(`${vector}/${path}`, root);
      mkdirSync(dirname(file.pathname), { recursive: true });
      writeFileSync(file, bytes);
    }
  }
}
