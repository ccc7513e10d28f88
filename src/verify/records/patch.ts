/**
 * Whether a change's patch is well-formed, applies, and gives back what was before when it is reversed
 * (RFC 6902). The row before is not in the record, so it is rebuilt from the tests, as far as they tell: a
 * sparse document. It must never take longer than the record's size allows.
 */
import { DIFFERENT, isMembers, sameValue } from './kinds/members.ts';

export interface PatchOperation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly value?: unknown;
}

type Problem = { readonly code: string; readonly message: string };

/** Elements that may be moved or compared for one patch. */
const MAX_WORK = 20_000_000;

/** What is wrong with the patch of a change with this action, image and `target.key`, by the rules of a level; or null. */
export function patchProblem(
  action: string | null,
  image: string | null,
  patch: unknown,
  key: Readonly<Record<string, unknown>> | null,
  level: number,
): Problem | null {
  if (action === 'truncate') {
    return patch === undefined && image === null ? null : malformed('a truncate has no image and no patch');
  }
  if (action !== 'insert' && action !== 'update' && action !== 'delete') return memberProblem('action');
  if (image !== 'full' && image !== 'key' && image !== 'changed') return memberProblem('image');
  if (!Array.isArray(patch)) return malformed('it is not an array');
  const operations = patch as readonly PatchOperation[];
  for (const operation of operations) {
    const problem = operationProblem(operation);
    if (problem !== null) return malformed(problem);
  }
  const shape = shapeProblem(action, image, operations, key === null && level > 1);
  if (shape !== null) return shape;
  if (action === 'delete' && image !== 'full') return keyProblem(operations.slice(0, -1), key);
  return applyProblem(operations) ?? overlapProblem(operations);
}

function operationProblem(operation: unknown): string | null {
  if (typeof operation !== 'object' || operation === null) return 'an operation is not an object';
  const { op, path } = operation as PatchOperation;
  if (op !== 'test' && op !== 'add' && op !== 'replace' && op !== 'remove') return 'an unknown operation';
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) return 'a path is no JSON Pointer';
  if (/~(?![01])/.test(path)) return 'a path is no JSON Pointer';
  // RFC 6902 section 4: members that an operation does not define are ignored.
  if (op !== 'remove' && !Object.hasOwn(operation, 'value')) return `a value at ${op} is missing`;
  return null;
}

/** What the action and the image allow. `whole`: an update of full image says the whole row, which no key identifies. */
function shapeProblem(
  action: string,
  image: string,
  patch: readonly PatchOperation[],
  whole: boolean,
): Problem | null {
  const last = patch.at(-1);
  if (action === 'insert') {
    const good = patch.length === 1 && last?.op === 'add' && isRow(last);
    return good ? null : malformed('an insert is one add of the row at ""');
  }
  if (action === 'delete') {
    const tests = patch.slice(0, -1);
    const good = last?.op === 'remove' && last.path === '' && tests.every(({ op }) => op === 'test');
    if (!good) return malformed('a delete is tests, then a remove at ""');
    if (image !== 'full') return null;
    return tests.length === 1 && isRow(tests[0]!)
      ? null
      : malformed('a delete with its full image tests the row at ""');
  }
  if (whole && image === 'full') {
    const good =
      patch.length === 2 && patch[0]!.op === 'test' && last!.op === 'replace' && patch.every(isRow);
    return good ? null : malformed('a full update without a key is a test and a replace of the row at ""');
  }
  if (patch.some(({ path }) => path === '')) return malformed('an update never replaces the whole row');
  if (image === 'full') {
    for (const [i, { op, path }] of patch.entries()) {
      if (op !== 'replace' && op !== 'remove') continue;
      const before = patch[i - 1];
      if (before?.op !== 'test' || before.path !== path) {
        return { code: 'patch_irreversible', message: `no test stands before the ${op} at ${path}` };
      }
    }
  }
  return null;
}

/** A delete without its whole row tests columns, each once, and those of the key with the key's values. */
function keyProblem(
  tests: readonly PatchOperation[],
  key: Readonly<Record<string, unknown>> | null,
): Problem | null {
  const tested = new Map<string, unknown>();
  for (const { path, value } of tests) {
    const [column, ...inside] = tokensOf(path as string);
    if (column === undefined || inside.length > 0 || tested.has(column)) {
      return malformed('a delete without its row tests its columns, each once');
    }
    tested.set(column, value);
  }
  for (const [column, value] of Object.entries(key ?? {})) {
    if (!tested.has(column)) return malformed(`the delete does not test ${column} of its key`);
    if (sameValue(tested.get(column), value) === DIFFERENT) {
      return inapplicable(`test at ${column}: its key has another value`);
    }
  }
  return null;
}

/** No path is another's, or inside another's, but for a test and the operation right behind it. */
function overlapProblem(patch: readonly PatchOperation[]): Problem | null {
  const paths: string[] = [];
  for (const [i, { path }] of patch.entries()) {
    const before = patch[i - 1];
    const behindTest = before?.op === 'test' && before.path === path && patch[i]!.op !== 'test';
    if (!behindTest) paths.push(`${path}/`);
  }
  // With a slash behind each, a path is followed by all that lie inside it.
  paths.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = paths.findIndex((path, i) => i > 0 && path.startsWith(paths[i - 1]!));
  return at === -1 ? null : malformed(`two operations reach ${paths[at - 1]!.slice(0, -1)}`);
}

function isRow({ path, value }: PatchOperation): boolean {
  return path === '' && isMembers(value);
}

/**
 * A place in the sparse document. `known` places hold a JSON value; the others are containers of which only
 * some members are known, or members known to be absent (`value` undefined).
 */
type Place = { known: true; value: unknown } | { known: false; members: Map<string, Place> };

/** Applies the patch to the document that its tests describe; what a reverse could not restore is refused. */
function applyProblem(patch: readonly PatchOperation[]): Problem | null {
  let root: Place = { known: false, members: new Map() };
  let work = 0;
  for (const { op, path, value } of patch) {
    const tokens = tokensOf(path as string);
    if (tokens.length === 0) {
      // shapeProblem leaves only whole rows here.
      if (op === 'test') root = { known: true, value };
      continue;
    }
    const outcome = applyAt(root, tokens, op as string, value);
    if (typeof outcome === 'string') return inapplicable(`${op} at ${path}: ${outcome}`);
    work += outcome;
    if (work > MAX_WORK) return inapplicable('it takes too many steps');
  }
  return null;
}

/** One operation below the root: its cost in steps, or what is wrong. */
function applyAt(root: Place, tokens: readonly string[], op: string, value: unknown): number | string {
  let at: Place = root;
  for (const [i, token] of tokens.slice(0, -1).entries()) {
    if (at.known) return applyKnown(at.value, tokens.slice(i), op, value);
    let next = at.members.get(token);
    if (next === undefined) {
      next = { known: false, members: new Map() };
      at.members.set(token, next);
    }
    at = next;
  }
  const token = tokens.at(-1)!;
  if (at.known) return applyKnown(at.value, [token], op, value);
  return applySparse(at.members, token, op, value);
}

/** In a container of which we know only some members, and not whether it is an array. */
function applySparse(
  members: Map<string, Place>,
  token: string,
  op: string,
  value: unknown,
): number | string {
  const place = members.get(token);
  const absent = place?.known === true && place.value === undefined;
  const element = /^(?:0|[1-9][0-9]*|-)$/.test(token);
  switch (op) {
    case 'test': {
      if (absent) return 'there is nothing';
      if (place?.known === true) return sameValue(place.value, value);
      if (place !== undefined && !agrees(place, value)) return 'the value is another one';
      members.set(token, { known: true, value: structuredClone(value) });
      return size(value);
    }
    case 'replace':
      if (absent) return 'there is nothing';
      members.set(token, { known: true, value: structuredClone(value) });
      return size(value);
    case 'remove':
      if (absent) return 'there is nothing';
      if (element) return forgetFrom(members, token);
      members.set(token, { known: true, value: undefined });
      return 1;
    default: {
      if (element) {
        const cost = forgetFrom(members, token);
        members.set(token, { known: true, value: structuredClone(value) });
        return cost + size(value);
      }
      if (place !== undefined && !absent) return 'it would overwrite a member that reversing cannot restore';
      members.set(token, { known: true, value: structuredClone(value) });
      return size(value);
    }
  }
}

/** Elements at and behind an index move when it is an array: what was known of them is forgotten. */
function forgetFrom(members: Map<string, Place>, token: string): number {
  const steps = members.size + 1;
  for (const name of members.keys()) {
    if (/^(?:0|[1-9][0-9]*)$/.test(name) && (token === '-' || Number(name) >= Number(token))) {
      members.delete(name);
    }
  }
  return steps;
}

/** Whether what is known of a container fits a whole value that a test now gives for it. */
function agrees(place: Place, value: unknown): boolean {
  if (place.known) return place.value === undefined || sameValue(place.value, value) !== DIFFERENT;
  if (place.members.size === 0) return true;
  if (typeof value !== 'object' || value === null) return false;
  for (const [token, inner] of place.members) {
    const there = Object.hasOwn(value, token);
    if (inner.known && inner.value === undefined ? there : !there) return false;
    if (there && !agrees(inner, (value as Record<string, unknown>)[token])) return false;
  }
  return true;
}

/** Inside a value that is wholly known: plain RFC 6902. */
function applyKnown(value: unknown, tokens: readonly string[], op: string, put: unknown): number | string {
  let at = value;
  for (const token of tokens.slice(0, -1)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return 'there is nothing';
    at = (at as Record<string, unknown>)[token];
  }
  if (typeof at !== 'object' || at === null) return 'its parent is no container';
  const token = tokens.at(-1)!;
  const there = Object.hasOwn(at, token) && !(Array.isArray(at) && token === 'length');
  if (op !== 'add' && !there) return 'there is nothing';
  if (op === 'test') return sameValue((at as Record<string, unknown>)[token], put);
  if (Array.isArray(at)) {
    const index = op === 'add' && token === '-' ? at.length : Number(token);
    if (token !== '-' && !/^(?:0|[1-9][0-9]*)$/.test(token)) return 'it is no index';
    if (index > at.length) return 'it is beyond the end of the array';
    if (op === 'add') at.splice(index, 0, structuredClone(put));
    else if (op === 'remove') at.splice(index, 1);
    else at[index] = structuredClone(put);
    return at.length - index + size(put);
  }
  if (op === 'remove') delete (at as Record<string, unknown>)[token];
  else {
    if (op === 'add' && there) return 'it would overwrite a member that reversing cannot restore';
    const property = { value: structuredClone(put), writable: true, enumerable: true, configurable: true };
    Object.defineProperty(at, token, property);
  }
  return 1 + size(put);
}

/** A rough size of a value: its members at the first level. */
function size(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length + 1 : 1;
}

function tokensOf(path: string): string[] {
  if (path === '') return [];
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function malformed(message: string): Problem {
  return { code: 'patch_malformed', message: `the patch is malformed: ${message}` };
}

function inapplicable(message: string): Problem {
  return { code: 'patch_inapplicable', message: `the patch does not apply to what it tests: ${message}` };
}

function memberProblem(name: string): Problem {
  return { code: 'record_member', message: `its ${name} is missing or unknown` };
}
