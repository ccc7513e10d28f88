/**
 * Who acted, and how sure that is (FORMAT.md section 11: actor and attribution). Holds what one transaction's messages said, one slot per
 * tier; a row takes the highest. A context replaces only an earlier one of its own tier and ends with its
 * transaction. It must never let what the app claims overwrite what the server knows (`connection`).
 */
import { isUtf8 } from 'node:buffer';
import type { TransactionStart } from '../change.ts';
import type { Policy } from '../policy/policy.ts';
import { type JsonTree, jsonOfTree, parseJsonTree } from '../values/json-tree.ts';
import { envelopeOfApplication, envelopeOfComment, envelopeOfSetting, isCut } from './annotations.ts';
import { type Envelope, envelopeOfTree, isObject, MAX_ENVELOPE_BYTES, textOf } from './envelope.ts';

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
  /** Forgets everything: another transaction begins. `session`: what the server said of who runs it. */
  begin(session?: TransactionStart['session']): void;
  /**
   * The content of a `rowseal.context` message, null where it can't be read. False where it is no context: then what was
   * said before does not count any more either, since somebody else may have been meant.
   */
  asserted(message: MessageTree | null, messageBytes: number): boolean;
  /**
   * The content of a `rowseal.session` message: the session's full state, replacing all of its tiers. False where it
   * is a statement's comment alone (`"only":"comment"`), which is no word of our trigger.
   */
  session(message: MessageTree): boolean;
  /** Whether the last of them carried a setting that is no context (`rowseal.actor`, `@rowseal_actor`): lower tiers apply. */
  misread(): boolean;
  /**
   * What applies to a row now; null where nothing is known. `expecting` our trigger's word, nothing below it counts
   * until it came.
   */
  current(expecting?: boolean): Attribution | null;
  /** What rows get that waited for our trigger in vain. */
  unspoken(): Attribution;
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
  /** What the server said of the session, beside the log. */
  let server: SessionTiers = NO_SESSION;
  let serverTree: MessageTree = {};
  let spoken = false;
  let connection = '';
  let cached: Attribution | null | undefined = null;
  const knownOf = (message: MessageTree) => connectionOf({ ...serverTree, ...message });
  const rendered = (found: Found | null): Attribution | null => {
    if (found !== null) return render(found.tier, found.via, found.actor, found.members, connection);
    return connection === '' || server === NO_SESSION ? null : render('none', null, UNKNOWN, '', connection);
  };

  return {
    begin(session) {
      asserted = null;
      own = NO_SESSION;
      spoken = false;
      serverTree = session === undefined ? {} : treeOfSession(session);
      server = session === undefined ? NO_SESSION : sessionTiers(serverTree, policy, 'performance_schema');
      connection = connectionOf(serverTree) ?? '';
      cached = undefined;
    },
    asserted(message, messageBytes) {
      const envelope = message === null ? null : assertedEnvelope(message, messageBytes);
      if (message !== null) connection = knownOf(message) ?? connection;
      cached = undefined;
      asserted = envelope === null ? null : { tier: 'asserted', via: 'message', ...envelope };
      return envelope !== null;
    },
    session(message) {
      own = sessionTiers(message, policy, 'trigger');
      connection = knownOf(message) ?? connection;
      cached = undefined;
      if (textOf(message['only']) === 'comment') return false;
      spoken = true;
      return true;
    },
    misread: () => own.misread,
    current(expecting = false) {
      if (expecting && !spoken && asserted === null) return null;
      if (cached === undefined) {
        const session = own.session ?? server.session;
        cached = rendered(asserted ?? session ?? own.annotated ?? own.connection ?? server.connection);
      }
      return cached;
    },
    reachingBack() {
      const found = own.session ?? own.annotated ?? own.connection;
      return found === null ? null : render(found.tier, found.via, found.actor, found.members, connection);
    },
    unspoken: () => rendered(server.session ?? server.connection) ?? UNATTRIBUTED,
    ofDdl(message) {
      const tiers = sessionTiers(message, policy, 'trigger');
      const known = knownOf(message) ?? connection;
      const session = tiers.session ?? own.session ?? server.session;
      const found = asserted ?? session ?? own.annotated ?? tiers.connection ?? server.connection;
      if (found === null) return known === '' ? UNATTRIBUTED : render('none', null, UNKNOWN, '', known);
      return render(found.tier, found.via, found.actor, found.members, known);
    },
  };
}

type Via = 'message' | 'setting' | 'application_name' | 'comment' | ConnectionVia | 'rule';
/** Who told of the login. */
type ConnectionVia = 'trigger' | 'performance_schema';

interface Found extends Envelope {
  readonly tier: Tier;
  readonly via: Via;
}

interface SessionTiers {
  readonly session: Found | null;
  readonly annotated: Found | null;
  readonly connection: Found | null;
  /** Somebody set the setting to what is no context. */
  readonly misread: boolean;
}

const NO_SESSION: SessionTiers = { session: null, annotated: null, connection: null, misread: false };
const UNKNOWN = '{"type":"unknown"}';

function assertedEnvelope(message: MessageTree, messageBytes: number): Envelope | null {
  const context = message['context'];
  if (!isObject(context)) return null;
  // A message within the bound can't hold an envelope beyond it.
  if (messageBytes > MAX_ENVELOPE_BYTES && Buffer.byteLength(jsonOfTree(context)) > MAX_ENVELOPE_BYTES)
    return null;
  return envelopeOfTree(context);
}

function treeOfSession(session: NonNullable<TransactionStart['session']>): MessageTree {
  const { pid, ...names } = session;
  const tree: Record<string, JsonTree> = { pid: String(pid) };
  for (const [name, value] of Object.entries(names)) tree[name] = JSON.stringify(value.toWellFormed());
  return tree;
}

function sessionTiers(message: MessageTree, policy: Pick<Policy, 'actor'>, via: ConnectionVia): SessionTiers {
  const application = textOf(message['application']);
  const comment = textOf(message['comment']);
  const annotated = comment === null ? null : envelopeOfComment(comment);
  const setting = textOf(message['actor']);
  const session = sessionTier(setting, application);
  return {
    session,
    misread: setting !== null && setting.trim() !== '' && session?.via !== 'setting',
    annotated: annotated === null ? null : { tier: 'annotated', via: 'comment', ...annotated },
    connection: connectionTier(textOf(message['login']), application, policy, via),
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
  via: ConnectionVia,
): Found | null {
  const ruled = policy.actor(login, application === null || isCut(application) ? null : application);
  if (ruled !== null) {
    const actor = `{"type":"${ruled.type}","id":${JSON.stringify(ruled.id)}}`;
    return { tier: 'connection', via: 'rule', actor, members: '' };
  }
  if (login === null) return null;
  const actor = `{"type":"login","id":${JSON.stringify(login)}}`;
  return { tier: 'connection', via, actor, members: '' };
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
