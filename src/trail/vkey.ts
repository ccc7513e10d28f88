/**
 * Verifying keys (vkeys) of every type that a trail, its cosigners and a policy know, as https://c2sp.org/signed-note and
 * https://c2sp.org/tlog-cosignature define them. It says whose key it is and of which type; it must never verify
 * anything, and never take a key whose id is not that of its name and bytes.
 */
import { hash } from 'node:crypto';
import { invalidKey, splitKey } from './note.ts';

/** Type byte of each: Ed25519, Ed25519 of a cosigner, ML-DSA-44 of a cosigner. */
export const KEY_TYPES = { ed25519: 0x01, 'ed25519-cosigner': 0x04, 'ml-dsa-44-cosigner': 0x06 } as const;
export type KeyType = keyof typeof KEY_TYPES;

/** Bytes of a public key behind its type. */
const KEY_BYTES: Readonly<Record<KeyType, number>> = {
  ed25519: 32,
  'ed25519-cosigner': 32,
  'ml-dsa-44-cosigner': 1312,
};

export interface Vkey {
  readonly name: string;
  /** First 4 bytes of SHA-256(name || LF || type || public key), as 8 hex digits. */
  readonly id: string;
  readonly type: KeyType;
  readonly publicKey: Buffer;
  /** `name+id+base64(type || public key)`. */
  readonly vkey: string;
}

/** Parses a vkey of a known type, with nothing around it. Throws `key_invalid`. */
export function parseVkey(vkey: string): Vkey {
  const { name, id, bytes } = splitKey(vkey);
  const type = (Object.keys(KEY_TYPES) as KeyType[]).find((known) => KEY_TYPES[known] === bytes[0]);
  if (type === undefined) {
    throw invalidKey(`a key of type 0x${bytes.toString('hex', 0, 1)} is not known: 0x01, 0x04 and 0x06 are`);
  }
  const publicKey = bytes.subarray(1);
  if (publicKey.length !== KEY_BYTES[type]) {
    throw invalidKey(`a key of type ${type} holds ${KEY_BYTES[type]} bytes behind its type`);
  }
  const key = vkeyOf(name, type, publicKey);
  if (key.id !== id) throw invalidKey(`key id ${id} does not belong to this name and key`);
  return key;
}

/** The vkey of a public key. */
export function vkeyOf(name: string, type: KeyType, publicKey: Buffer): Vkey {
  const typed = Buffer.concat([Uint8Array.of(KEY_TYPES[type]), publicKey]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8);
  return { name, id, type, publicKey, vkey: `${name}+${id}+${typed.toString('base64')}` };
}
