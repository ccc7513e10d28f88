/**
 * Context from places that were made for something else: the rowseal.actor setting, application_name, and
 * SQL comments in sqlcommenter form. What does not read as context is none; nothing here may throw.
 */

import { parseJsonTree } from '../values/json-tree.ts';
import {
  type Envelope,
  envelopeOfPlain,
  envelopeOfTree,
  MAX_ENVELOPE_BYTES,
  type PlainContext,
} from './envelope.ts';

/** NAMEDATALEN - 1: a name of this length may have been cut (PostgreSQL manual, application_name). */
const CUT_NAME_BYTES = 63;

/** `rowseal.actor`: an envelope (it begins with a brace), or the bare id of a user. */
export function envelopeOfSetting(setting: string): Envelope | null {
  const text = setting.trim();
  if (text === '' || Buffer.byteLength(text) > MAX_ENVELOPE_BYTES) return null;
  if (!text.startsWith('{')) return envelopeOfPlain({ actor: { id: text }, members: {}, extra: {} });
  const tree = parseJsonTree(text);
  return tree === undefined ? null : envelopeOfTree(tree);
}

/** Whether the server may have cut this application_name: then it is nobody's word. */
export function isCut(name: string): boolean {
  return Buffer.byteLength(name) >= CUT_NAME_BYTES;
}

/** `billing actor=u_1 session=s_9`: words apart by spaces, those with `=` being members. */
export function envelopeOfApplication(name: string): Envelope | null {
  if (!name.includes('=') || isCut(name)) return null;
  const pairs: [string, string][] = [];
  for (const word of name.split(' ')) {
    const equals = word.indexOf('=');
    if (equals > 0) pairs.push([word.slice(0, equals), word.slice(equals + 1)]);
  }
  return envelopeOfPairs(pairs, false);
}

/**
 * The trailing comment of a statement in sqlcommenter form, key='url-encoded value',… with or without its
 * delimiters. Keys: actor, user_id (the id); actor_type; session, session_id; request, request_id; ip;
 * user_agent; traceparent; reason. All others (route, controller, db_driver, tracestate…) go into `extra`.
 */
export function envelopeOfComment(comment: string): Envelope | null {
  if (comment.length > MAX_ENVELOPE_BYTES) return null;
  const text = comment.trim().replace(/^\/\*/, '').replace(/\*\/$/, '').trim();
  const pairs: [string, string][] = [];
  const pair = /\s*([^=,'\s]+)\s*=\s*'((?:[^'\\]|\\.)*)'\s*(?:,|$)/suy;
  while (pair.lastIndex < text.length) {
    const found = pair.exec(text);
    if (found === null) return null;
    const name = decode(found[1]!);
    const value = decode(found[2]!.replaceAll(/\\(.)/gsu, '$1'));
    if (name === null || value === null) return null;
    pairs.push([name, value]);
  }
  return envelopeOfPairs(pairs, true);
}

const NAMES: Readonly<Record<string, keyof PlainContext['members']>> = {
  session: 'session',
  session_id: 'session',
  request: 'request',
  request_id: 'request',
  ip: 'ip',
  user_agent: 'user_agent',
  traceparent: 'traceparent',
  reason: 'reason',
};

function envelopeOfPairs(
  pairs: readonly (readonly [string, string])[],
  keepOthers: boolean,
): Envelope | null {
  const members: { -readonly [name in keyof PlainContext['members']]: string } = {};
  const extra: Record<string, string> = Object.create(null);
  let id: string | undefined;
  let type: string | undefined;
  for (const [name, value] of pairs) {
    const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (name === 'actor' || (name === 'user_id' && id === undefined)) id = value;
    else if (name === 'actor_type') type = value;
    else if (known !== undefined) members[known] = value;
    else if (keepOthers) extra[name] = value;
  }
  return id === undefined ? null : envelopeOfPlain({ actor: { type, id }, members, extra });
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
