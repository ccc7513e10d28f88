/**
 * The context envelope (FORMAT.md section 11: actor and attribution), however it was carried. What comes in was written by whoever can
 * run SQL: it must never crash the reader, never pass for what the server knows, and never lose a digit.
 */
import { type JsonTree, jsonOfTree } from '../values/json-tree.ts';

/** An actor and what belongs to it, as JSON text ready to be copied into records. */
export interface Envelope {
  /** `{"type":…,"id":…}` */
  readonly actor: string;
  /** `,"session":…,"request":…` and so on to `extra`; may be empty. */
  readonly members: string;
}

export const MAX_ENVELOPE_BYTES = 8 * 1024;

const TYPES = new Set(['user', 'service', 'system']);
const MEMBERS = ['session', 'request', 'ip', 'user_agent', 'traceparent', 'reason'] as const;
const ACTOR_MEMBERS = ['email', 'role'] as const;

/** What the other carriers (application names, comments) say, as text. */
export interface PlainContext {
  readonly actor: { readonly type?: string | undefined; readonly id: string };
  readonly members: Readonly<Partial<Record<(typeof MEMBERS)[number], string>>>;
  readonly extra: Readonly<Record<string, string>>;
}

/**
 * Null where this is no envelope: no actor with a known type and an id. A type left out is `user`. A member
 * that is neither text nor number goes, like every unknown one, into `extra`.
 */
export function envelopeOfTree(tree: JsonTree): Envelope | null {
  if (!isObject(tree)) return null;
  const actor = tree['actor'];
  if (!isObject(actor)) return null;
  const type = actor['type'] === undefined ? 'user' : textOf(actor['type']);
  const id = textOf(actor['id']);
  if (type === null || !TYPES.has(type) || id === null || id === '') return null;
  const named = known(actor, ACTOR_MEMBERS);
  const actorExtra = others(actor, ACTOR_MEMBERS, ['type', 'id']);
  const members = known(tree, MEMBERS);
  let extra = others(tree, MEMBERS, ['actor']);
  if (actorExtra !== '') extra += `,"actor":{${actorExtra.slice(1)}}`;
  return {
    actor: `{"type":"${type}","id":${JSON.stringify(id)}${named}}`,
    members: extra === '' ? members : `${members},"extra":{${extra.slice(1)}}`,
  };
}

/** Null where it is longer than an envelope may be, has no id, or a type that is none. */
export function envelopeOfPlain(context: PlainContext): Envelope | null {
  const type = context.actor.type ?? 'user';
  if (!TYPES.has(type) || context.actor.id === '') return null;
  let members = '';
  for (const name of MEMBERS) {
    const text = context.members[name];
    if (text !== undefined) members += `,"${name}":${JSON.stringify(text.toWellFormed())}`;
  }
  const extra = Object.entries(context.extra);
  if (extra.length > 0) {
    members += `,"extra":{${extra
      .map(([name, text]) => `${JSON.stringify(name.toWellFormed())}:${JSON.stringify(text.toWellFormed())}`)
      .join(',')}}`;
  }
  const actor = `{"type":"${type}","id":${JSON.stringify(context.actor.id.toWellFormed())}}`;
  return actor.length + members.length > MAX_ENVELOPE_BYTES ? null : { actor, members };
}

export function isObject(tree: JsonTree | undefined): tree is { [name: string]: JsonTree } {
  return typeof tree === 'object' && !Array.isArray(tree);
}

/** The text of a string, or a number's digits; null for everything else. */
export function textOf(tree: JsonTree | undefined): string | null {
  if (typeof tree !== 'string') return null;
  if (tree.startsWith('"')) return tree.includes('\\') ? (JSON.parse(tree) as string) : tree.slice(1, -1);
  return tree === 'true' || tree === 'false' || tree === 'null' ? null : tree;
}

/** The named members in their order, each with a comma before it; those that are no text are left out. */
function known(from: { readonly [name: string]: JsonTree }, names: readonly string[]): string {
  let text = '';
  for (const name of names) {
    const value = textOf(from[name]);
    if (value !== null) text += `,"${name}":${JSON.stringify(value)}`;
  }
  return text;
}

/** What `known` left out, but for the `used` ones and nulls. */
function others(
  from: { readonly [name: string]: JsonTree },
  names: readonly string[],
  used: readonly string[],
): string {
  let text = '';
  for (const name of Object.keys(from)) {
    const value = from[name]!;
    if (value === 'null' || used.includes(name) || (names.includes(name) && textOf(value) !== null)) continue;
    text += `,${JSON.stringify(name)}:${jsonOfTree(value)}`;
  }
  return text;
}
