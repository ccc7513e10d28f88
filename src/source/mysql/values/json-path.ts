/**
 * The paths in partial JSON updates (manual: "JSON Path Syntax", without wildcards): `$.name`, `$."any name"`, `[3]`,
 * `[last]`, `[last-2]`.
 */
import { broken } from '../bytes/broken.ts';

/** A member by its name's UTF-8 bytes, or a cell of an array, counted from the front or from the back. */
export type Leg = { readonly member: Buffer } | { readonly index: number; readonly fromEnd: boolean };

const IDENTIFIER_END = /[.[\s]/;
const CELL = /^\s*(?:(\d{1,10})|last(?:\s*-\s*(\d{1,10}))?)\s*\]/;

/** Throws `stream_not_understood` where it is no such path. */
export function parsePath(text: string): Leg[] {
  if (!text.startsWith('$')) throw broken('a JSON path without its $');
  const legs: Leg[] = [];
  let rest = text.slice(1);
  while (rest !== '') {
    const sign = rest.charAt(0);
    if (sign === '.') {
      const size = memberSize(rest);
      legs.push({ member: memberName(rest.slice(1, size)) });
      rest = rest.slice(size);
    } else if (sign === '[') {
      const found = CELL.exec(rest.slice(1));
      if (found === null) throw broken('a JSON path with a cell that is none');
      const [whole, front, back] = found;
      legs.push(
        front === undefined
          ? { index: Number(back ?? 0), fromEnd: true }
          : { index: Number(front), fromEnd: false },
      );
      rest = rest.slice(1 + whole.length);
    } else throw broken('a JSON path that goes on without a leg');
  }
  return legs;
}

function memberSize(rest: string): number {
  if (rest.charAt(1) !== '"') {
    const end = rest.slice(1).search(IDENTIFIER_END);
    return end < 0 ? rest.length : end + 1;
  }
  for (let at = 2; at < rest.length; at++) {
    if (rest.charAt(at) === '\\') at++;
    else if (rest.charAt(at) === '"') return at + 1;
  }
  throw broken('a JSON path with a name without end');
}

function memberName(text: string): Buffer {
  if (!text.startsWith('"')) {
    if (text === '') throw broken('a JSON path with an empty name');
    return Buffer.from(text);
  }
  try {
    return Buffer.from(JSON.parse(text) as string);
  } catch {
    throw broken('a JSON path with a name that is none');
  }
}
