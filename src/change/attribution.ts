/**
 * Who acted, and how sure that is (DESIGN section 5). Holds what one transaction's messages said, one slot per
 * tier; a row takes the highest. A context replaces only an earlier one of its own tier and ends with its
 * transaction. It must never let what the app claims overwrite what the server knows (`connection`).
 */
import { isUtf8 } from 'node:buffer';
import { envelopeOfApplication, envelopeOfComment, envelopeOfSetting, isCut } from './annotations.ts';
import { type Envelope, envelopeOfTree, isObject, MAX_ENVELOPE_BYTES, textOf } from './envelope.ts';
import { type JsonTree, jsonOfTree, parseJsonTree } from './json-tree.ts';
import type { Policy } from './policy.ts';

export type Tier = 'asserted' | 'session' | 'annotated' | 'connection' | 'none';

/** A change's attribution as bytes to be copied into its record. */
export interface Attribution {
  readonly tier: Tier;
  /** `,"actor":{…},"attribution":{…}` */
  readonly actor: Buffer;
  /** `,"session":…` to `,"connection":{…}`; may be empty. */
  readonly context: Buffer;
}

export type MessageTree = { readonly [name: string]: JsonTree };

export interface Attributor {
  /** Forgets everything: another transaction begins. */
  begin(): void;
  /** The content of a `rowseal.context` message; false where it is none, which changes nothing but `connection`. */
  asserted(message: MessageTree, messageBytes: number): boolean;
  /** The content of a `rowseal.session` message: the session's full state, replacing all of its tiers. */
  session(message: MessageTree): void;
  /** What applies to a row now; null where nothing of any tier is known. */
  current(): Attribution | null;
  /** What the session's state gives to rows that came before it; null where it says nothing. */
  reachingBack(): Attribution | null;
  /** What applies to a DDL message, which carries its own session state. */
  ofDdl(message: MessageTree): Attribution;
}

/** What a change has where nothing was found. */
export const UNATTRIBUTED = render('none', null, '{"type":"unknown"}', '', '');

/** Messages longer than this are not read (the longest of ours is a ddl's, 8,192 characters of statement). */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** A message's content as a tree; null where it isn't a JSON object in UTF-8, or too long. */
export function readMessage(content: Buffer): MessageTree | null {
  if (content.length > MAX_MESSAGE_BYTES || !isUtf8(content)) return null;
  const tree = parseJsonTree(content.toString());
  return isObject(tree) ? tree : null;
}

export function createAttributor(policy: Pick<Policy, 'actor'>): Attributor {
  let asserted: Found | null = null;
  let own: SessionTiers = NO_SESSION;
  let connection = '';
  let cached: Attribution | null | undefined = null;

  return {
    begin() {
      asserted = null;
      own = NO_SESSION;
      connection = '';
      cached = null;
    },
    asserted(message, messageBytes) {
      const envelope = assertedEnvelope(message, messageBytes);
      connection = connectionOf(message) ?? connection;
      cached = undefined;
      if (envelope === null) return false;
      asserted = { tier: 'asserted', via: 'message', ...envelope };
      return true;
    },
    session(message) {
      own = sessionTiers(message, policy);
      connection = connectionOf(message) ?? connection;
      cached = undefined;
    },
    current() {
      if (cached !== undefined) return cached;
      const found = asserted ?? own.session ?? own.annotated ?? own.connection;
      if (found !== null) cached = render(found.tier, found.via, found.actor, found.members, connection);
      else cached = null;
      return cached;
    },
    reachingBack() {
      const found = own.session ?? own.annotated ?? own.connection;
      return found === null ? null : render(found.tier, found.via, found.actor, found.members, connection);
    },
    ofDdl(message) {
      const tiers = sessionTiers(message, policy);
      const known = connectionOf(message) ?? connection;
      const found = asserted ?? tiers.session ?? own.session ?? own.annotated ?? tiers.connection;
      if (found === null) return known === '' ? UNATTRIBUTED : render('none', null, UNKNOWN, '', known);
      return render(found.tier, found.via, found.actor, found.members, known);
    },
  };
}

type Via = 'message' | 'setting' | 'application_name' | 'comment' | 'trigger' | 'rule';

interface Found extends Envelope {
  readonly tier: Tier;
  readonly via: Via;
}

interface SessionTiers {
  readonly session: Found | null;
  readonly annotated: Found | null;
  readonly connection: Found | null;
}

const NO_SESSION: SessionTiers = { session: null, annotated: null, connection: null };
const UNKNOWN = '{"type":"unknown"}';

function assertedEnvelope(message: MessageTree, messageBytes: number): Envelope | null {
  const context = message['context'];
  if (!isObject(context)) return null;
  // A message within the bound can't hold an envelope beyond it.
  if (messageBytes > MAX_ENVELOPE_BYTES && Buffer.byteLength(jsonOfTree(context)) > MAX_ENVELOPE_BYTES)
    return null;
  return envelopeOfTree(context);
}

function sessionTiers(message: MessageTree, policy: Pick<Policy, 'actor'>): SessionTiers {
  const application = textOf(message['application']);
  const comment = textOf(message['comment']);
  const annotated = comment === null ? null : envelopeOfComment(comment);
  return {
    session: sessionTier(textOf(message['actor']), application),
    annotated: annotated === null ? null : { tier: 'annotated', via: 'comment', ...annotated },
    connection: connectionTier(textOf(message['login']), application, policy),
  };
}

function sessionTier(setting: string | null, application: string | null): Found | null {
  const set = setting === null ? null : envelopeOfSetting(setting);
  if (set !== null) return { tier: 'session', via: 'setting', ...set };
  const named = application === null ? null : envelopeOfApplication(application);
  return named === null ? null : { tier: 'session', via: 'application_name', ...named };
}

function connectionTier(
  login: string | null,
  application: string | null,
  policy: Pick<Policy, 'actor'>,
): Found | null {
  const ruled = policy.actor(login, application === null || isCut(application) ? null : application);
  if (ruled !== null) {
    const actor = `{"type":"${ruled.type}","id":${JSON.stringify(ruled.id)}}`;
    return { tier: 'connection', via: 'rule', actor, members: '' };
  }
  if (login === null) return null;
  const actor = `{"type":"login","id":${JSON.stringify(login)}}`;
  return { tier: 'connection', via: 'trigger', actor, members: '' };
}

/** What the server knows, as a JSON object; null where the message says nothing of it. */
function connectionOf(message: MessageTree): string | null {
  let text = '';
  const add = (name: string, from: string, unless?: string) => {
    const value = textOf(message[from]);
    if (value !== null && value !== '' && value !== unless) text += `,"${name}":${JSON.stringify(value)}`;
  };
  add('user', 'login');
  add('application', 'application');
  add('address', 'address');
  const pid = message['pid'];
  if (typeof pid === 'string' && /^[0-9]{1,15}$/.test(pid)) text += `,"pid":${pid}`;
  add('role', 'role', 'none');
  add('system_user', 'system_user');
  add('replication_role', 'replication_role', 'origin');
  return text === '' ? null : `{${text.slice(1)}}`;
}

function render(
  tier: Tier,
  via: Via | null,
  actor: string,
  members: string,
  connection: string,
): Attribution {
  const how = via === null ? '' : `,"via":"${via}"`;
  return {
    tier,
    actor: Buffer.from(`,"actor":${actor},"attribution":{"tier":"${tier}"${how}}`),
    context: Buffer.from(connection === '' ? members : `${members},"connection":${connection}`),
  };
}
