/**
 * Trust policies as https://c2sp.org/tlog-policy defines them: which logs are accepted, which witnesses are known, and how
 * many of them a checkpoint needs. Every rule of that page holds here, so that two readers trust the same. It must never
 * accept a policy that it does not understand as a whole.
 *
 * Names and URLs are octets to that page: they stand as 'latin1' strings, an octet a character.
 */
import { isUtf8 } from 'node:buffer';
import { RowsealError } from '../../base/errors.ts';
import { type KeyType, parseVkey, type Vkey } from '../vkey.ts';

/** At most 1 MiB in a policy: some 500 keys of ML-DSA. */
export const MAX_POLICY_BYTES = 1024 * 1024;

export interface PolicyLog {
  /** Its name is the origin of the log's checkpoints. */
  readonly key: Vkey;
  readonly url: string | null;
}

export interface PolicyWitness {
  /** Means nothing outside of the policy. */
  readonly name: string;
  readonly key: Vkey;
  readonly url: string | null;
}

export interface PolicyGroup {
  readonly name: string;
  /** So many of the members make the group. */
  readonly threshold: number;
  /** Witnesses and groups that stand before it. */
  readonly members: readonly string[];
}

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** A witness or a group; null: no cosignature is needed. */
  readonly quorum: string | null;
}

/** Parses a policy. Throws `policy_invalid`, with the number of the line. */
export function parsePolicy(bytes: Buffer): Policy {
  if (bytes.length > MAX_POLICY_BYTES) throw invalid('it is over 1 MiB');
  const reader = createReader();
  const lines = bytes.toString('latin1').split('\n');
  // A file that was cut off could name another quorum than the whole one.
  if (lines.pop() !== '') throw invalid('its last line does not end with a newline');
  lines.forEach((line, i) => {
    try {
      readLine(reader, line);
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
      const line = i + 1;
      throw new RowsealError('policy_invalid', `line ${line} of the policy is refused: ${error.message}`, {
        details: { line },
      });
    }
  });
  if (reader.quorum === undefined) throw invalid('it has no line quorum');
  const { logs, witnesses, groups, quorum } = reader;
  return { logs, witnesses, groups, quorum };
}

/** The policy's text. Throws `policy_invalid` for what would be no policy. */
export function formatPolicy({ logs, witnesses, groups, quorum }: Policy): Buffer {
  const lines = [
    ...logs.map(({ key, url }) => ['log', octets(key.vkey), url]),
    ...witnesses.map(({ name, key, url }) => ['witness', name, octets(key.vkey), url]),
    ...groups.map(({ name, threshold, members }) => [
      'group',
      name,
      thresholdWord(threshold, members.length),
      ...members,
    ]),
    ['quorum', quorum ?? NONE],
  ];
  const bytes = Buffer.from(
    lines.map((items) => `${items.filter((item) => item !== null).join(' ')}\n`).join(''),
    'latin1',
  );
  parsePolicy(bytes);
  return bytes;
}

/** Whether the cosignatures of these witnesses, by name, are as many as the policy asks for. */
export function isQuorum({ witnesses, groups, quorum }: Policy, cosigned: ReadonlySet<string>): boolean {
  if (quorum === null) return true;
  const witnessed = new Set(witnesses.map(({ name }) => name).filter((name) => cosigned.has(name)));
  // Members stand before their group.
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => witnessed.has(member)).length >= threshold) witnessed.add(name);
  }
  return witnessed.has(quorum);
}

const NONE = 'none';

/** What was read so far. */
interface Reader {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly groups: PolicyGroup[];
  quorum: string | null | undefined;
  /** Of witnesses and groups. */
  readonly names: Set<string>;
  /** Names that are members of a group. */
  readonly taken: Set<string>;
  /** Public keys of logs and of witnesses. */
  readonly logKeys: Set<string>;
  readonly witnessKeys: Set<string>;
}

function createReader(): Reader {
  return {
    logs: [],
    witnesses: [],
    groups: [],
    quorum: undefined,
    names: new Set(),
    taken: new Set(),
    logKeys: new Set(),
    witnessKeys: new Set(),
  };
}

/** Takes one line, without its newline. */
function readLine(reader: Reader, line: string): void {
  if (FORBIDDEN.test(line)) throw problem('a control character other than tab');
  const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
  if (keyword === undefined || keyword.startsWith('#')) return;
  if (keyword === 'log') readLog(reader, items);
  else if (keyword === 'witness') readWitness(reader, items);
  else if (keyword === 'group') readGroup(reader, items);
  else if (keyword === 'quorum') readQuorum(reader, items);
  else throw problem(`${shown(keyword)} is none of log, witness, group and quorum`);
}

function readLog(reader: Reader, items: readonly string[]): void {
  const [vkey, url = null] = items;
  if (vkey === undefined || items.length > 2) throw problem('a log has a key and at most a URL');
  const key = readKey(vkey, reader.logKeys, 'log', LOG_TYPES);
  reader.logs.push({ key, url });
}

function readWitness(reader: Reader, items: readonly string[]): void {
  const [name, vkey, url = null] = items;
  if (name === undefined || vkey === undefined || items.length > 3) {
    throw problem('a witness has a name, a key and at most a URL');
  }
  define(reader, name);
  const key = readKey(vkey, reader.witnessKeys, 'witness', WITNESS_TYPES);
  reader.witnesses.push({ name, key, url });
}

function readGroup(reader: Reader, items: readonly string[]): void {
  const [name, word, ...members] = items;
  if (name === undefined || word === undefined || members.length === 0) {
    throw problem('a group has a name, all, any or a number, and at least one member');
  }
  for (const member of members) {
    if (member === NONE) throw problem('none is no member of a group');
    if (!reader.names.has(member)) throw problem(`${shown(member)} is not defined before`);
    if (reader.taken.has(member)) throw problem(`${shown(member)} is a member of a group already`);
    reader.taken.add(member);
  }
  define(reader, name);
  reader.groups.push({ name, threshold: thresholdOf(word, members.length), members });
}

function readQuorum(reader: Reader, items: readonly string[]): void {
  const [name] = items;
  if (name === undefined || items.length > 1) throw problem('quorum has one name');
  if (reader.quorum !== undefined) throw problem('there is a line quorum already');
  if (name !== NONE && !reader.names.has(name)) throw problem(`${shown(name)} is not defined before`);
  reader.quorum = name === NONE ? null : name;
}

function define({ names }: Reader, name: string): void {
  if (name === NONE) throw problem('none is no name of a witness or group');
  if (names.has(name)) throw problem(`${shown(name)} is defined already`);
  names.add(name);
}

const LOG_TYPES: readonly KeyType[] = ['ed25519', 'ed25519-cosigner', 'ml-dsa-44-cosigner'];
const WITNESS_TYPES: readonly KeyType[] = ['ed25519-cosigner', 'ml-dsa-44-cosigner'];

/** A key that is of a fitting type, and whose public key was not there before, under whatever name or type. */
function readKey(item: string, known: Set<string>, what: string, types: readonly KeyType[]): Vkey {
  const bytes = Buffer.from(item, 'latin1');
  if (!isUtf8(bytes)) throw problem('a key is not valid UTF-8');
  const key = parseVkey(bytes.toString('utf8'));
  if (!types.includes(key.type)) throw problem(`a ${what}'s key can't be of type ${key.type}`);
  const publicKey = key.publicKey.toString('latin1');
  if (known.has(publicKey)) throw problem(`there is a ${what} with this public key already`);
  known.add(publicKey);
  return key;
}

function thresholdOf(word: string, members: number): number {
  if (word === 'all') return members;
  if (word === 'any') return 1;
  const threshold = /^[1-9][0-9]{0,6}$/.test(word) ? Number(word) : 0;
  if (threshold < 1 || threshold > members) {
    throw problem(`${shown(word)} is not all, any or a number from 1 to ${members}`);
  }
  return threshold;
}

function thresholdWord(threshold: number, members: number): string {
  if (threshold === 1) return 'any';
  return threshold === members ? 'all' : String(threshold);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the specification forbids
const FORBIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f]/;

function octets(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** An item for an error, as the text that it most likely is. */
function shown(item: string): string {
  return Buffer.from(item.slice(0, 100), 'latin1').toString('utf8');
}

/** What is wrong with a line: `parsePolicy` says which. */
function problem(message: string): RowsealError {
  return new RowsealError('policy_invalid', message);
}

function invalid(message: string): RowsealError {
  return new RowsealError('policy_invalid', `the policy is refused: ${message}`);
}
