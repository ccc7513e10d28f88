/**
 * JSON with exact numbers for the tests that compare a trail with what the database says: a number is its text.
 * Independent of the writer's and the verifier's parsers.
 */

/** A number as it stands in the text. */
export class ExactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Exact = null | boolean | string | ExactNumber | Exact[] | { [name: string]: Exact };
export type ExactObject = { [name: string]: Exact };

/** Throws SyntaxError. Duplicate members: the last counts (use `isIJson` first where that matters). */
export function parseExact(text: string): Exact {
  return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? new ExactNumber(context?.source as string) : value,
  ) as Exact;
}

/** One text for equal trees, whatever the order of members. */
export function canonical(tree: Exact): string {
  if (tree === null || typeof tree !== 'object') return JSON.stringify(tree);
  if (tree instanceof ExactNumber) return tree.text;
  if (Array.isArray(tree)) return `[${tree.map(canonical).join(',')}]`;
  const members = Object.keys(tree).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(tree[name] as Exact)}`).join(',')}}`;
}

/** RFC 7493 and at most `depth` levels: no duplicate members, no lone surrogates, no number beyond a double. */
export function isIJson(text: string, depth: number): boolean {
  let tree: Exact;
  try {
    tree = parseExact(text);
  } catch {
    return false;
  }
  return fits(tree, depth) && countMembers(text) === membersOf(tree);
}

function fits(tree: Exact, depth: number): boolean {
  if (typeof tree === 'string') return tree.isWellFormed();
  if (tree === null || typeof tree !== 'object') return true;
  if (tree instanceof ExactNumber) return Number.isFinite(Number(tree.text));
  if (depth === 0) return false;
  const names = Array.isArray(tree) ? [] : Object.keys(tree);
  return (
    names.every((name) => name.isWellFormed()) &&
    Object.values(tree).every((each) => fits(each as Exact, depth - 1))
  );
}

/** Colons outside of strings: one for each member as written. */
function countMembers(text: string): number {
  return text.replace(/"(?:[^"\\]|\\.)*"/gs, '""').split(':').length - 1;
}

function membersOf(tree: Exact): number {
  if (tree === null || typeof tree !== 'object' || tree instanceof ExactNumber) return 0;
  const own = Array.isArray(tree) ? 0 : Object.keys(tree).length;
  return own + Object.values(tree).reduce((sum: number, each) => sum + membersOf(each as Exact), 0);
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: Exact;
}

/**
 * RFC 6902 with exact comparison (add, remove, replace, test): the document after it. `undefined` is no document.
 * Throws where an operation doesn't apply.
 */
export function applyPatch(document: Exact | undefined, operations: readonly Operation[]): Exact | undefined {
  let root = document === undefined ? undefined : structuredCopy(document);
  for (const { op, path, value } of operations) {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (path === '') {
      if (op === 'test') same(root as Exact, value as Exact, path);
      else root = op === 'remove' ? undefined : structuredCopy(value as Exact);
      continue;
    }
    const last = steps.pop() as string;
    const parent = steps.reduce((at, step) => child(at, step, path), root as Exact);
    change(parent, last, op, value, path);
  }
  return root;
}

function change(parent: Exact, last: string, op: string, value: Exact | undefined, path: string): void {
  if (op === 'test') {
    same(child(parent, last, path), value as Exact, path);
    return;
  }
  if (op !== 'add') child(parent, last, path);
  if (Array.isArray(parent)) {
    const at = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(at) || at < 0 || at > parent.length) throw new Error(`${path}: no such place`);
    if (op === 'add') parent.splice(at, 0, structuredCopy(value as Exact));
    else if (op === 'remove') parent.splice(at, 1);
    else parent[at] = structuredCopy(value as Exact);
  } else {
    const members = parent as ExactObject;
    if (op === 'remove') delete members[last];
    else members[last] = structuredCopy(value as Exact);
  }
}

function child(at: Exact, step: string, path: string): Exact {
  if (at === null || typeof at !== 'object' || at instanceof ExactNumber || !Object.hasOwn(at, step)) {
    throw new Error(`${path}: there is no ${step}`);
  }
  return (at as ExactObject)[step] as Exact;
}

function same(one: Exact, other: Exact, path: string): void {
  if (one === undefined || canonical(one) !== canonical(other)) throw new Error(`${path}: test fails`);
}

function structuredCopy(tree: Exact): Exact {
  if (tree === null || typeof tree !== 'object' || tree instanceof ExactNumber) return tree;
  if (Array.isArray(tree)) return tree.map(structuredCopy);
  return Object.fromEntries(Object.entries(tree).map(([name, each]) => [name, structuredCopy(each)]));
}
