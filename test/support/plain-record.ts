/**
 * For tests of the pure part: rows by hand in, records as text out, and a second, plain reading of JSON and
 * RFC 6902 that shares nothing with what it tests. Every number stays the text it was; duplicate members,
 * lone surrogates and raw control characters are refused.
 */
import { RecordBuffer } from '../../src/change/buffer.ts';
import {
  ABSENT,
  type CellKind,
  type Column,
  NULL,
  RAW,
  type Relation,
  RowImage,
  TEXT,
  UNCHANGED,
  type ValueEncoding,
} from '../../src/change/change.ts';
import type { RecordSink } from '../../src/change/sink.ts';

/** A cell: text, null, or one of the words. */
export type Cell = string | null | typeof absent | typeof unchanged | Buffer;
export const absent = Symbol('absent');
export const unchanged = Symbol('unchanged');

/** The image lies behind some junk, as in a socket's buffer. Buffers are RAW cells. */
export function image(...cells: readonly Cell[]): RowImage {
  const row = new RowImage(1);
  row.resize(cells.length);
  const pieces: Buffer[] = [Buffer.from('junk')];
  let at = 4;
  cells.forEach((cell, i) => {
    const bytes =
      typeof cell === 'string' ? Buffer.from(cell) : Buffer.isBuffer(cell) ? cell : Buffer.alloc(0);
    row.kinds[i] = kindOf(cell);
    row.starts[i] = at;
    at += bytes.length;
    row.ends[i] = at;
    pieces.push(bytes);
  });
  row.bytes = Buffer.concat([...pieces, Buffer.from('"junk')]);
  return row;
}

function kindOf(cell: Cell): CellKind {
  if (typeof cell === 'string') return TEXT;
  if (cell === null) return NULL;
  if (cell === absent) return ABSENT;
  return cell === unchanged ? UNCHANGED : RAW;
}

export function column(name: string, encoding: ValueEncoding, identity = false): Column {
  return { name, type: encoding.as, encoding, identity };
}

export function relation(columns: readonly Column[], more: Partial<Relation> = {}): Relation {
  return {
    id: '1',
    schema: 'public',
    table: 't',
    columns,
    replicaIdentity: 'full',
    primaryKey: null,
    ancestors: [],
    contextTrigger: false,
    ...more,
  };
}

/** Keeps every record as text, in the order in which they came. */
export function textSink(onRecord: (className: string, text: string) => void = () => {}) {
  const buffers = new Map<string, RecordBuffer>();
  const records: { className: string; text: string }[] = [];
  const sink: RecordSink = {
    buffer(className) {
      let buffer = buffers.get(className);
      if (buffer === undefined) {
        buffer = new RecordBuffer(16);
        buffers.set(className, buffer);
      }
      return buffer;
    },
    recorded(className, start) {
      const buffer = buffers.get(className)!;
      const text = buffer.bytes.toString('utf8', start, buffer.length);
      buffer.byte(10);
      records.push({ className, text });
      onRecord(className, text);
    },
  };
  return { sink, records };
}

export type Exact =
  | { readonly number: string }
  | { readonly string: string }
  | { readonly word: 'true' | 'false' | 'null' }
  | { readonly items: Exact[] }
  | { readonly members: Map<string, Exact> };

const TOKEN =
  /[ \t]*(?:(?<word>true|false|null)|(?<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<string>"(?:[^"\\]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(?<mark>[{}[\]:,]))/suy;

/** Throws on anything but one line of strict JSON. */
export function exactJson(text: string): Exact {
  const tokens: { type: string; text: string }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (found === null) {
      if (/^[ \t]*$/.test(text.slice(at))) break;
      throw new Error(`not JSON at ${at}: ${text.slice(at, at + 40)}`);
    }
    const [type, value] = Object.entries(found.groups!).find(([, each]) => each !== undefined)!;
    tokens.push({ type, text: value! });
  }
  let next = 0;
  const take = (): { type: string; text: string } => {
    const token = tokens[next++];
    if (token === undefined) throw new Error('JSON ends early');
    return token;
  };
  const mark = (expected: string) => {
    const token = take();
    if (token.text !== expected || token.type !== 'mark')
      throw new Error(`expected ${expected}, got ${token.text}`);
  };
  const stringOf = (source: string): string => {
    // JSON.parse refuses raw control characters here.
    const decoded = JSON.parse(source) as string;
    if (!decoded.isWellFormed()) throw new Error('lone surrogate');
    return decoded;
  };
  const value = (): Exact => {
    const token = take();
    if (token.type === 'word') return { word: token.text as 'true' };
    if (token.type === 'number') return { number: token.text };
    if (token.type === 'string') return { string: stringOf(token.text) };
    if (token.text === '[') {
      const items: Exact[] = [];
      if (tokens[next]?.text === ']' && tokens[next]?.type === 'mark') next++;
      else
        for (;;) {
          items.push(value());
          const after = take();
          if (after.text === ']') break;
          if (after.text !== ',') throw new Error('array');
        }
      return { items };
    }
    if (token.text !== '{') throw new Error(`unexpected ${token.text}`);
    const members = new Map<string, Exact>();
    if (tokens[next]?.text === '}' && tokens[next]?.type === 'mark') next++;
    else
      for (;;) {
        const name = take();
        if (name.type !== 'string') throw new Error('member name');
        mark(':');
        const decoded = stringOf(name.text);
        if (members.has(decoded)) throw new Error(`duplicate member ${decoded}`);
        members.set(decoded, value());
        const after = take();
        if (after.text === '}') break;
        if (after.text !== ',') throw new Error('object');
      }
    return { members };
  };
  const tree = value();
  if (next !== tokens.length) throw new Error('more than one value');
  return tree;
}

/** Text in which equal trees are equal: members sorted by name, digits untouched. */
export function canonical(tree: Exact | undefined): string {
  if (tree === undefined) return 'absent';
  if ('number' in tree) return tree.number;
  if ('string' in tree) return JSON.stringify(tree.string);
  if ('word' in tree) return tree.word;
  if ('items' in tree) return `[${tree.items.map(canonical).join(',')}]`;
  const names = [...tree.members.keys()].sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(tree.members.get(name)!)}`).join(',')}}`;
}

export function member(tree: Exact, ...path: (string | number)[]): Exact {
  let at = tree;
  for (const step of path) {
    const below =
      'items' in at ? at.items[Number(step)] : 'members' in at ? at.members.get(String(step)) : undefined;
    if (below === undefined) throw new Error(`no member ${step}`);
    at = below;
  }
  return at;
}

export function text(tree: Exact): string {
  if (!('string' in tree)) throw new Error(`not a string: ${canonical(tree)}`);
  return tree.string;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value: Exact | undefined;
}

function operations(patch: Exact): Operation[] {
  if (!('items' in patch)) throw new Error('a patch is an array');
  return patch.items.map((each) => ({
    op: text(member(each, 'op')),
    path: text(member(each, 'path')),
    value: 'members' in each ? each.members.get('value') : undefined,
  }));
}

/** RFC 6902, on a document that may be absent (before an insert, after a delete). Throws where a test fails. */
export function applyPatch(document: Exact | undefined, patch: Exact): Exact | undefined {
  return run(document, operations(patch));
}

/** The patch backwards; throws where it lacks what reversing needs. */
export function applyReverse(document: Exact | undefined, patch: Exact): Exact | undefined {
  const reversed: Operation[] = [];
  const forward = operations(patch);
  for (let i = forward.length - 1; i >= 0; i--) {
    const each = forward[i]!;
    if (each.op === 'test') continue;
    if (each.op === 'add') {
      reversed.push(
        { op: 'test', path: each.path, value: each.value },
        { op: 'remove', path: each.path, value: undefined },
      );
      continue;
    }
    const test = forward[i - 1];
    if (test?.op !== 'test' || test.path !== each.path)
      throw new Error(`${each.op} without a test before it`);
    if (each.op === 'replace') reversed.push({ op: 'test', path: each.path, value: each.value });
    reversed.push({ op: each.op === 'remove' ? 'add' : 'replace', path: each.path, value: test.value });
  }
  return run(document, reversed);
}

function run(start: Exact | undefined, list: readonly Operation[]): Exact | undefined {
  let root = start === undefined ? undefined : structuredClone(start);
  for (const { op, path, value } of list) {
    if (path === '') {
      if (op === 'test') {
        if (canonical(root) !== canonical(value)) throw new Error('test failed at the root');
      } else if (op === 'remove') {
        if (root === undefined) throw new Error('nothing to remove');
        root = undefined;
      } else root = structuredClone(value!);
      continue;
    }
    const steps = path
      .slice(1)
      .split('/')
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop()!;
    const parent = member(root!, ...steps);
    if ('items' in parent) onArray(parent.items, last, op, value, path);
    else if ('members' in parent) onObject(parent.members, last, op, value, path);
    else throw new Error(`no container at ${path}`);
  }
  return root;
}

function onArray(items: Exact[], step: string, op: string, value: Exact | undefined, path: string): void {
  if (!/^(?:0|[1-9]\d*)$/.test(step)) throw new Error(`no index: ${path}`);
  const i = Number(step);
  if (i >= items.length + (op === 'add' ? 1 : 0)) throw new Error(`beyond the array: ${path}`);
  if (op === 'add') items.splice(i, 0, structuredClone(value!));
  else if (op === 'remove') items.splice(i, 1);
  else if (op === 'replace') items[i] = structuredClone(value!);
  else if (canonical(items[i]) !== canonical(value)) throw new Error(`test failed at ${path}`);
}

function onObject(
  members: Map<string, Exact>,
  name: string,
  op: string,
  value: Exact | undefined,
  path: string,
): void {
  if (op !== 'add' && !members.has(name)) throw new Error(`nothing at ${path}`);
  if (op === 'remove') members.delete(name);
  else if (op === 'test') {
    if (canonical(members.get(name)) !== canonical(value)) throw new Error(`test failed at ${path}`);
  } else members.set(name, structuredClone(value!));
}
