/**
 * What others put beside the seals of a made trail: cosignatures, time-stamp tokens and packs, honest in form. Whose
 * signatures they bear is nobody's.
 */
import { hash } from 'node:crypto';
import { cosignaturePath, packPath, sealNumber, sealPath, tokenPath } from '../../src/trail/names.ts';
import { formatPack } from '../../src/trail/packs/pack.ts';
import { parseSealFile } from '../../src/trail/seal.ts';
import { NAME } from './trail-builder.ts';

export const COSIGNER = 'c0517e57';
type Objects = ReadonlyMap<string, Buffer>;

const noteOf = (objects: Objects, seal: number) => {
  const { note } = parseSealFile(objects.get(sealPath(seal))!);
  const file = objects.get(sealPath(seal))!.toString();
  return { text: note.text, whole: file.slice(file.indexOf('\n\n') + 2) };
};

/** The line of a cosigner that nobody trusts. */
export function cosigned(keyId: string = COSIGNER, bytes = 8 + 64): string {
  const payload = Buffer.concat([Buffer.from(keyId, 'hex'), Buffer.alloc(bytes, 5)]);
  return `— witness.example.com/w ${payload.toString('base64')}\n`;
}

/** With the log's own line, as a witness gives it out, or without. */
export function cosignature(
  objects: Objects,
  seal: number,
  { own = true, keyId = COSIGNER, bytes = 8 + 64 } = {},
): [string, Buffer] {
  const { text, whole } = noteOf(objects, seal);
  const note = own ? whole : `${text}\n`;
  return [cosignaturePath(seal, keyId), Buffer.from(note + cosigned(keyId, bytes))];
}

/** A DER sequence around the imprint, which is all that is asked of a token's form. */
export function token(objects: Objects, seal: number, more = 0): [string, Buffer] {
  const imprint = hash('sha256', noteOf(objects, seal).text, 'buffer');
  const inner = Buffer.concat([Buffer.alloc(100, more), imprint]);
  const bytes = Buffer.concat([Buffer.of(0x30, 0x81, inner.length), inner]);
  return [tokenPath(seal, hash('sha256', bytes, 'hex')), bytes];
}

/** A pack of seals, or of one class's segments. */
export function pack(
  objects: Objects,
  { className = null, first = 0, last }: { className?: string | null; first?: number; last: number },
): [string, Buffer] {
  const numberOf = (path: string) =>
    sealNumber(path) ?? Number(/^segments\/.*\/([0-9]{12})-[0-9a-f]{16}\.jsonl\.zst$/.exec(path)?.[1] ?? NaN);
  const held = [...objects]
    .filter(([path]) => path.startsWith(className === null ? 'seals/' : `segments/${className}/`))
    .map(([path, bytes]) => ({ path, bytes, number: numberOf(path) }))
    .filter(({ number }) => number >= first && number <= last)
    .sort((a, b) => a.number - b.number);
  return [packPath(className, first), formatPack({ trail: NAME, className, first, last }, held)];
}
