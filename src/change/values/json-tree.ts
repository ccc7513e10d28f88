/**
 * JSON text as a tree whose leaves are their own source text, so that no number becomes a double and no
 * string is re-escaped. Accepts I-JSON only (RFC 7493): no duplicate members, no lone surrogates, no number
 * beyond a double's range; and at most 64 levels. It must never accept what `JSON.parse` refuses.
 */

/** A leaf is the text of a string, number, `true`, `false` or `null`; members are under their decoded names. */
export type JsonTree = string | JsonTree[] | { [name: string]: JsonTree };

export const MAX_JSON_DEPTH = 64;
/** Number texts shorter than this, without an exponent, are in a double's range. */
const SURELY_FINITE_DIGITS = 300;

/** Undefined where the text is not I-JSON of at most 64 levels. */
export function parseJsonTree(text: string): JsonTree | undefined {
  const cursor = { text, at: 0 };
  const tree = value(cursor, 0);
  if (tree === undefined) return undefined;
  space(cursor);
  return cursor.at === text.length ? tree : undefined;
}

/** JSON text of a tree; digits and escapes as they came. */
export function jsonOfTree(tree: JsonTree): string {
  if (typeof tree === 'string') return tree;
  if (Array.isArray(tree)) return `[${tree.map(jsonOfTree).join(',')}]`;
  return `{${Object.keys(tree)
    .map((name) => `${JSON.stringify(name)}:${jsonOfTree(tree[name]!)}`)
    .join(',')}}`;
}

/** Whether this number text is one that a double can hold without becoming infinite. */
export function inDoubleRange(number: string): boolean {
  return Number.isFinite(Number(number));
}

interface Cursor {
  readonly text: string;
  at: number;
}

function value(cursor: Cursor, depth: number): JsonTree | undefined {
  space(cursor);
  switch (cursor.text.charCodeAt(cursor.at)) {
    case 0x7b:
      return depth < MAX_JSON_DEPTH ? object(cursor, depth + 1) : undefined;
    case 0x5b:
      return depth < MAX_JSON_DEPTH ? array(cursor, depth + 1) : undefined;
    case 0x22:
      return string(cursor);
    case 0x74:
      return word(cursor, 'true');
    case 0x66:
      return word(cursor, 'false');
    case 0x6e:
      return word(cursor, 'null');
    default:
      return number(cursor);
  }
}

function object(cursor: Cursor, depth: number): JsonTree | undefined {
  const members: { [name: string]: JsonTree } = {};
  cursor.at++;
  if (next(cursor) === 0x7d) return skip(cursor, members);
  for (;;) {
    if (next(cursor) !== 0x22) return undefined;
    const source = string(cursor);
    if (source === undefined) return undefined;
    const name = source.includes('\\') ? (JSON.parse(source) as string) : source.slice(1, -1);
    if (Object.hasOwn(members, name) || next(cursor) !== 0x3a) return undefined;
    cursor.at++;
    const member = value(cursor, depth);
    if (member === undefined) return undefined;
    if (name === '__proto__') own(members, name, member);
    else members[name] = member;
    const after = next(cursor);
    if (after === 0x7d) return skip(cursor, members);
    if (after !== 0x2c) return undefined;
    cursor.at++;
  }
}

/** Assignment would set the prototype. */
function own(members: object, name: string, value: JsonTree): void {
  Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
}

function array(cursor: Cursor, depth: number): JsonTree | undefined {
  const elements: JsonTree[] = [];
  cursor.at++;
  if (next(cursor) === 0x5d) return skip(cursor, elements);
  for (;;) {
    const element = value(cursor, depth);
    if (element === undefined) return undefined;
    elements.push(element);
    const after = next(cursor);
    if (after === 0x5d) return skip(cursor, elements);
    if (after !== 0x2c) return undefined;
    cursor.at++;
  }
}

/** The source text with its quotes. */
function string(cursor: Cursor): string | undefined {
  const { text } = cursor;
  const start = cursor.at;
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) break;
    if (!(code >= 0x20)) return undefined; // a control character, or NaN at the end
    if (code === 0x5c) {
      const escaped = escapeLength(text, at);
      if (escaped === 0) return undefined;
      at += escaped;
    } else at++;
  }
  cursor.at = at + 1;
  return text.slice(start, at + 1);
}

/** Length of the escape at `at`; 0 where it is malformed or a lone surrogate. */
function escapeLength(text: string, at: number): number {
  const letter = text[at + 1];
  if (letter !== 'u') return letter !== undefined && '"\\/bfnrt'.includes(letter) ? 2 : 0;
  const unit = hex4(text, at + 2);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
  if (unit < 0xd800 || unit > 0xdbff) return 6;
  if (text[at + 6] !== '\\' || text[at + 7] !== 'u') return 0;
  const low = hex4(text, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

function hex4(text: string, at: number): number {
  const digits = text.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function number(cursor: Cursor): string | undefined {
  NUMBER.lastIndex = cursor.at;
  const found = NUMBER.exec(cursor.text)?.[0];
  if (found === undefined) return undefined;
  if (found.length > SURELY_FINITE_DIGITS || /[eE]/.test(found)) {
    if (!inDoubleRange(found)) return undefined;
  }
  cursor.at += found.length;
  return found;
}

function word(cursor: Cursor, expected: string): string | undefined {
  if (!cursor.text.startsWith(expected, cursor.at)) return undefined;
  cursor.at += expected.length;
  return expected;
}

function skip<T>(cursor: Cursor, result: T): T {
  cursor.at++;
  return result;
}

function space(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    cursor.at++;
  }
}

function next(cursor: Cursor): number {
  space(cursor);
  return cursor.text.charCodeAt(cursor.at);
}
