/**
 * A password as the server stores it, made here, so that the password itself never crosses the wire, nor reaches the
 * server's log or binlog (MariaDB writes IDENTIFIED BY in plain text into it). MySQL: caching_sha2_password, that is
 * SHA-crypt (Drepper: "Unix crypt using SHA-256 and SHA-512") with a salt of 20 bytes; MariaDB: mysql_native_password, that is
 * SHA1(SHA1(password)). The latter is fast to guess from: the password must be long and random.
 */
import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Flavor } from '../bytes/flavor.ts';

export interface StoredPassword {
  /** Authentication plugin. */
  readonly plugin: string;
  /** mysql.user.authentication_string. */
  readonly text: string;
}

const SALT_BYTES = 20;
const DEFAULT_ROUNDS = 5000;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Another each time on MySQL, for the salt is random. `rounds`: of SHA-crypt, in thousands (caching_sha2_password_digest_rounds). */
export function storedPassword(password: string, flavor: Flavor, rounds = DEFAULT_ROUNDS): StoredPassword {
  if (flavor === 'mariadb') return { plugin: 'mysql_native_password', text: nativeHash(password) };
  const salt = [...randomBytes(SALT_BYTES)].map((byte) => ALPHABET[byte & 63]).join('');
  return { plugin: 'caching_sha2_password', text: sha2Text(password, salt, rounds) };
}

/** Whether it is the one that is stored. False for plugins other than the two. */
export function fitsStored(password: string, { plugin, text }: StoredPassword): boolean {
  if (plugin === 'mysql_native_password') return equal(nativeHash(password), text.toUpperCase());
  const parts = /^\$A\$([0-9A-F]{3})\$([\s\S]{20})[./0-9A-Za-z]{43}$/.exec(text);
  if (plugin !== 'caching_sha2_password' || parts === null) return false;
  const [, thousands = '', salt = ''] = parts;
  return equal(sha2Text(password, salt, Number.parseInt(thousands, 16) * 1000), text);
}

function nativeHash(password: string): string {
  return `*${hash('sha1', hash('sha1', password, 'buffer'), 'hex').toUpperCase()}`;
}

function sha2Text(password: string, salt: string, rounds: number): string {
  const thousands = Math.floor(rounds / 1000);
  const count = thousands.toString(16).toUpperCase().padStart(3, '0');
  return `$A$${count}$${salt}${shaCrypt(Buffer.from(password), Buffer.from(salt), thousands * 1000)}`;
}

/** SHA-crypt, steps 1 to 22: 43 characters. */
function shaCrypt(key: Buffer, salt: Buffer, rounds: number): string {
  const sha = (...parts: Buffer[]) => {
    const digest = createHash('sha256');
    for (const part of parts) digest.update(part);
    return digest.digest();
  };
  const b = sha(key, salt, key);
  const parts = [key, salt, repeated(b, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? b : key);
  let a = sha(...parts);
  const p = repeated(sha(...Array<Buffer>(key.length).fill(key)), key.length);
  const s = repeated(sha(...Array<Buffer>(16 + (a[0] as number)).fill(salt)), salt.length);
  for (let round = 0; round < rounds; round++) {
    a = sha(
      round & 1 ? p : a,
      ...(round % 3 === 0 ? [] : [s]),
      ...(round % 7 === 0 ? [] : [p]),
      round & 1 ? a : p,
    );
  }
  return encoded(a);
}

function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/** Base 64 of its own kind: bytes 0, 10, 20, then 21, 1, 11 and so on, least significant bits first. */
function encoded(digest: Buffer): string {
  let text = '';
  const take = (value: number, characters: number) => {
    for (let i = 0; i < characters; i++) text += ALPHABET[(value >> (6 * i)) & 63];
  };
  let [x, y, z] = [0, 10, 20];
  for (let group = 0; group < 10; group++) {
    take((digest[x]! << 16) | (digest[y]! << 8) | digest[z]!, 4);
    [x, y, z] = [z + 1, x + 1, y + 1];
  }
  take((digest[31]! << 8) | digest[30]!, 3);
  return text;
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
