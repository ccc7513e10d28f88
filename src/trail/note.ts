/**
 * Signed notes as https://c2sp.org/signed-note defines them, with Ed25519 keys (type 0x01). Strict: a malformed
 * signature line or base64 that is not canonical refuses the whole note, lines of unknown keys are passed over,
 * and every line of a known key must verify. A private key must never leave the signer it was parsed into.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { RowsealError } from '../base/errors.ts';
import { decodeBase64 } from './base64.ts';
import { refusal } from './refuse.ts';

const ED25519 = 1;
const MAX_SIGNATURES = 100;
/** ASN.1 of PKCS #8 before a 32-byte Ed25519 seed (RFC 8410 section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const PRIVATE = 'PRIVATE+KEY+';
const VKEY_SHAPE = 'a verifying key looks like name+8 hex digits+base64';

export interface VerifierKey {
  readonly name: string;
  /** First 4 bytes of SHA-256(name || LF || type || public key), as 8 hex digits. */
  readonly id: string;
  /** `name+id+base64(type || public key)`. */
  readonly vkey: string;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

export interface Signer {
  readonly key: VerifierKey;
  /** The 64-byte Ed25519 signature. */
  sign(message: Uint8Array): Buffer | Promise<Buffer>;
}

export interface NoteSignature {
  readonly name: string;
  /** 8 hex digits. */
  readonly id: string;
  readonly signature: Buffer;
}

export interface Note {
  /** The signed text with its last LF. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Parses a vkey. Throws `key_invalid`. */
export function parseVerifierKey(vkey: string): VerifierKey {
  const { name, id, bytes } = splitKey(vkey.trim());
  checkType(bytes);
  if (bytes.length !== 33) throw invalidKey('a verifying key holds 33 bytes: type and public key');
  const key = verifierOf(name, bytes.subarray(1));
  if (key.id !== id) throw invalidKey(`key id ${id} does not belong to this name and key`);
  return key;
}

/** Parses `PRIVATE+KEY+<name>+<key id>+<base64(0x01 || seed)>`, as Go's note package writes it. Throws `key_invalid`. */
export function parseSigner(text: string): Signer {
  const line = text.trim();
  if (!line.startsWith(PRIVATE)) throw invalidKey(`a signing key begins with ${PRIVATE}`);
  const { name, id, bytes } = splitKey(line.slice(PRIVATE.length), 'the signing key is malformed');
  checkType(bytes);
  if (bytes.length !== 33) throw invalidKey('a signing key holds 33 bytes: type and seed');
  const { signer } = signerOf(name, bytes.subarray(1));
  if (signer.key.id !== id) throw invalidKey(`key id ${id} does not belong to this name and key`);
  return signer;
}

/** A signer and its text from 32 random bytes that the caller brings. */
export function signerOf(name: string, seed: Uint8Array): { signer: Signer; text: string } {
  checkName(name);
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(secret).export({ format: 'jwk' });
  const key = verifierOf(name, Buffer.from(x!, 'base64url'));
  const typed = Buffer.concat([Uint8Array.of(ED25519), seed]).toString('base64');
  return {
    signer: { key, sign: (message) => sign(null, message, secret) },
    text: `${PRIVATE}${name}+${key.id}+${typed}`,
  };
}

/** Signs `text`, which must end with LF, and returns the note. */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  let note = `${text}\n`;
  for (const { key, sign: signWith } of signers) {
    const signature = await signWith(Buffer.from(text));
    const payload = Buffer.concat([Buffer.from(key.id, 'hex'), signature]).toString('base64');
    note += `\u2014 ${key.name} ${payload}\n`;
  }
  return note;
}

/** Splits a note into text and signature lines. Throws a refusal `note_malformed`. */
export function parseNote(note: string): Note {
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) throw malformed('no blank line before the signatures');
  const text = note.slice(0, split + 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the specification forbids
  if (/[\u0000-\u0009\u000b-\u001f\ufffd]/.test(note)) throw malformed('a control character or bad UTF-8');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed(`more than ${MAX_SIGNATURES} signatures`);
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * Names of the given keys that signed the note; empty when none of them did. Throws a refusal
 * `signature_invalid` where a line of a given key does not verify.
 */
export function verifyNote(note: Note, keys: readonly VerifierKey[]): string[] {
  const signedBy = new Set<string>();
  const message = Buffer.from(note.text);
  for (const { name, id, signature } of note.signatures) {
    const key = keys.find((known) => known.name === name && known.id === id);
    if (key === undefined) continue;
    if (!key.verify(message, signature)) {
      throw refusal('signature_invalid', `the signature by ${name}+${id} does not verify`);
    }
    signedBy.add(key.vkey);
  }
  return [...signedBy];
}

function parseSignature(line: string): NoteSignature {
  const parts = line.split(' ');
  if (parts.length !== 3 || parts[0] !== '\u2014') throw malformed('a signature line is malformed');
  const name = parts[1]!;
  if (!isName(name)) throw malformed('a signature line has no proper key name');
  const bytes = decodeBase64(parts[2]!);
  if (bytes === null || bytes.length < 5) throw malformed('a signature is not canonical base64');
  return { name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) };
}

function verifierOf(name: string, publicKey: Uint8Array): VerifierKey {
  const typed = Buffer.concat([Uint8Array.of(ED25519), publicKey]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8);
  const key = importPublicKey(publicKey);
  return {
    name,
    id,
    vkey: `${name}+${id}+${typed.toString('base64')}`,
    verify: (message, signature) => signature.length === 64 && verify(null, message, key, signature),
  };
}

function importPublicKey(publicKey: Uint8Array): KeyObject {
  try {
    const x = Buffer.from(publicKey).toString('base64url');
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  } catch (cause) {
    throw new RowsealError('key_invalid', 'the public key is not an Ed25519 key', { cause });
  }
}

/** Name, key id in hex and the bytes behind it, of whatever type. Throws `key_invalid`, with `shape` where it has none. */
export function splitKey(text: string, shape = VKEY_SHAPE): { name: string; id: string; bytes: Buffer } {
  // The base64 may hold '+', the name may not.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const bytes = match ? decodeBase64(match[3]!) : null;
  if (match === null || bytes === null) throw invalidKey(shape);
  checkName(match[1]!);
  return { name: match[1]!, id: match[2]!, bytes };
}

function checkType(bytes: Buffer): void {
  if (bytes[0] !== ED25519) throw invalidKey('only Ed25519 keys (type 0x01) are known');
}

function checkName(name: string): void {
  if (!isName(name)) throw invalidKey('a key name is not empty and holds no space and no plus sign');
}

function isName(name: string): boolean {
  return name.length > 0 && !/[\s+]/u.test(name);
}

export function invalidKey(message: string): RowsealError {
  return new RowsealError('key_invalid', message);
}

function malformed(message: string): RowsealError {
  return refusal('note_malformed', `the signed note is malformed: ${message}`);
}
