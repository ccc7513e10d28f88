/**
 * Partial updates of JSON (mysql-server: "json_diff.h"): the differences in an UPDATE's after image, applied to the
 * before image's document, so that the cell is the whole text. Only what the differences walk through is taken apart.
 */
import { broken } from '../bytes/broken.ts';
import { readFields } from '../bytes/fields.ts';
import { type CellText, within } from '../text/cell-text.ts';
import { allow, isInlined, JSON_TYPE, MAX_DEPTH, offsetAt, openContainer, putValue } from './json.ts';
import { type Leg, parsePath } from './json-path.ts';
import { putJsonString } from './json-scalars.ts';

const REPLACE = 0;
const INSERT = 1;
const REMOVE = 2;

/** A value where it lies. */
interface Leaf {
  readonly kind: 'leaf';
  readonly source: Buffer;
  readonly type: number;
  readonly at: number;
  readonly end: number;
}
interface Tree {
  readonly kind: 'array' | 'object';
  /** Of objects: the names, in the server's order (by length, then by bytes). */
  readonly names: Buffer[];
  readonly values: Node[];
}
type Node = Leaf | Tree;

/** Writes the document in `source[start, end)` as it is after the differences in `diffs[from, to)`. */
export function putPatched(
  out: CellText,
  source: Buffer,
  start: number,
  end: number,
  diffs: Buffer,
  from: number,
  to: number,
): void {
  let root: Node = documentOf(source.subarray(start, end));
  const fields = readFields(diffs, from, to, 'a JSON difference');
  while (fields.left() > 0) {
    const operation = fields.u8();
    if (operation > REMOVE) throw broken(`a JSON difference of kind ${operation}`);
    const legs = parsePath(fields.take(fields.lengthEncoded()).toString());
    const value = operation === REMOVE ? null : documentOf(fields.take(fields.lengthEncoded()));
    root = applied(root, legs, operation, value);
  }
  allow(end - start + to - from);
  putNode(out, root, 0);
}

function applied(root: Node, legs: readonly Leg[], operation: number, value: Node | null): Node {
  const last = legs.at(-1);
  if (last === undefined) throw broken('a JSON difference of a whole document');
  const top = opened(root);
  let parent = top;
  for (const leg of legs.slice(0, -1)) {
    const place = placeOf(parent, leg);
    if (place < 0 || place >= parent.values.length) throw rejected();
    const next = opened(parent.values[place] as Node);
    parent.values[place] = next;
    parent = next;
  }
  const place = placeOf(parent, last);
  if (operation === INSERT) insert(parent, last, place, value as Node);
  else if (place < 0 || place >= parent.values.length) throw rejected();
  else if (operation === REPLACE) parent.values[place] = value as Node;
  else {
    parent.values.splice(place, 1);
    if (parent.kind === 'object') parent.names.splice(place, 1);
  }
  return top;
}

function insert(parent: Tree, leg: Leg, place: number, value: Node): void {
  if (!('member' in leg)) {
    // Behind the end means at the end.
    parent.values.splice(Math.max(0, Math.min(place, parent.values.length)), 0, value);
    return;
  }
  if (place >= 0) throw rejected();
  const found = parent.names.findIndex((name) => inOrder(leg.member, name) < 0);
  const at = found < 0 ? parent.names.length : found;
  parent.names.splice(at, 0, leg.member);
  parent.values.splice(at, 0, value);
}

/** Where the leg leads; -1 for a member that isn't there; beyond the values for a cell that isn't. */
function placeOf(tree: Tree, leg: Leg): number {
  if ('member' in leg) {
    if (tree.kind !== 'object') throw rejected();
    return tree.names.findIndex((name) => name.equals(leg.member));
  }
  if (tree.kind !== 'array') throw rejected();
  return leg.fromEnd ? tree.values.length - 1 - leg.index : leg.index;
}

function inOrder(a: Buffer, b: Buffer): number {
  return a.length - b.length || Buffer.compare(a, b);
}

function documentOf(source: Buffer): Leaf {
  if (source.length === 0) throw broken('an empty JSON document with differences');
  return { kind: 'leaf', source, type: source[0] as number, at: 1, end: source.length };
}

/** The container's members, each still where it lies. */
function opened(node: Node): Tree {
  if (node.kind !== 'leaf') return node;
  const { source, type } = node;
  if (type > JSON_TYPE.largeArray) throw rejected();
  const { isObject, large, count, start, end, keys, values } = openContainer(source, type, node.at, node.end);
  const tree: Tree = { kind: isObject ? 'object' : 'array', names: [], values: [] };
  for (let i = 0; i < count; i++) {
    if (isObject) {
      const key = keys + i * (large ? 6 : 4);
      const nameAt = within(start, offsetAt(source, key, large), end);
      const nameEnd = within(nameAt, source.readUInt16LE(key + (large ? 4 : 2)), end);
      tree.names.push(source.subarray(nameAt, nameEnd));
    }
    const entry = values + i * (large ? 5 : 3);
    const kind = source[entry]!;
    const at = isInlined(kind, large) ? entry + 1 : within(start, offsetAt(source, entry + 1, large), end);
    tree.values.push({ kind: 'leaf', source, type: kind, at, end });
  }
  return tree;
}

function putNode(out: CellText, node: Node, depth: number): void {
  if (node.kind === 'leaf') {
    putValue(out, node.source, node.type, node.at, node.end, depth);
    return;
  }
  if (depth >= MAX_DEPTH) throw broken('a JSON document that is too deep');
  const isObject = node.kind === 'object';
  out.byte(isObject ? 0x7b : 0x5b);
  node.values.forEach((value, i) => {
    if (i > 0) out.ascii(', ');
    if (isObject) {
      const name = node.names[i] as Buffer;
      putJsonString(out, name, 0, name.length);
      out.ascii(': ');
    }
    putNode(out, value, depth + 1);
  });
  out.byte(isObject ? 0x7d : 0x5d);
}

function rejected(): Error {
  return broken('a JSON difference that does not fit the row before');
}
