/**
 * Keys, salts and redacted values of the hand-made trails in test/vectors. Every key comes of a fixed seed that stands
 * here for all to read: they protect nothing, and must never be used for anything else. All is the same at every run.
 */
import { createCipheriv, createHmac, createPrivateKey, createPublicKey, hash } from 'node:crypto';
import { cosignaturePath, sealPath } from '../../../src/trail/names.ts';
import { type Signer, signerOf } from '../../../src/trail/note.ts';
import { parseSealFile } from '../../../src/trail/seal.ts';
import { type Vkey, vkeyOf } from '../../../src/trail/vkey.ts';
import { NAME } from '../trail-builder.ts';

const seed = (byte: number): Buffer => Buffer.alloc(32, byte);

/** PKCS #8 of an ML-DSA-44 key before its seed (RFC 9881 section 6). */
const ML_DSA_44 = Buffer.from('3034020100300b06096086480165030403110422', 'hex');

/** The log's key for cosignatures, of type 0x06. */
export function mlDsaKey(byte: number): Vkey {
  const key = Buffer.concat([ML_DSA_44, Buffer.from('8020', 'hex'), seed(byte)]);
  const { pub } = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  });
  return vkeyOf(NAME, 'ml-dsa-44-cosigner', Buffer.from(pub as string, 'base64url'));
}

const WITNESS = 'witness.example.com/w1';
const witness: Signer = signerOf(WITNESS, seed(4)).signer;
/** The witness's Ed25519 key, of type 0x04. */
export const WITNESS_KEY: Vkey = vkeyOf(
  WITNESS,
  'ed25519-cosigner',
  Buffer.from(witness.key.vkey.split('+').slice(2).join('+'), 'base64').subarray(1),
);

/** The path and the bytes of the witness's cosignature of a seal (https://c2sp.org/tlog-cosignature), at a Unix time. */
export async function cosigned(
  objects: ReadonlyMap<string, Buffer>,
  seal: number,
  time: number,
): Promise<[string, Buffer]> {
  const file = objects.get(sealPath(seal))!;
  const { text } = parseSealFile(file).note;
  const whole = file.toString().slice(file.indexOf('\n\n') + 2);
  const signature = await witness.sign(Buffer.from(`cosignature/v1\ntime ${time}\n${text}`));
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(time));
  const payload = Buffer.concat([Buffer.from(WITNESS_KEY.id, 'hex'), at, signature]).toString('base64');
  return [cosignaturePath(seal, WITNESS_KEY.id), Buffer.from(`${whole}— ${WITNESS} ${payload}\n`)];
}

/** So many bytes that look random, in base64; another `name`, other bytes. */
export function salt(name: string, length: 8 | 16): string {
  return hash('sha256', `salt ${name}`, 'buffer').subarray(0, length).toString('base64');
}

/** A value as the kind `hmac` writes it. */
export function hmac(value: unknown): string {
  return `k1:${createHmac('sha256', seed(0x11)).update(JSON.stringify(value)).digest('base64')}`;
}

/** A value as the kind `sealed` writes it. How keys come of a subject's key is no part of the format: here they are given. */
export function sealed(value: unknown, keyId: string): string {
  const json = JSON.stringify(value);
  const digest = createHmac('sha256', seed(0x12)).update(json).digest('base64');
  const nonce = hash('sha256', `nonce ${keyId} ${json}`, 'buffer').subarray(0, 12);
  const cipher = createCipheriv('aes-256-gcm', seed(0x13), nonce);
  const encrypted = Buffer.concat([nonce, cipher.update(json), cipher.final(), cipher.getAuthTag()]);
  return `${keyId}.${digest}.${encrypted.toString('base64')}`;
}

/**
 * A zstd frame of one raw block with its content size: what a library makes of records changes from version to version,
 * and these trails must not.
 */
export function rawFrame(plain: Buffer): Buffer {
  if (plain.length >= 128 * 1024) throw new RangeError('a block holds less');
  const head = Buffer.from('28b52ffda000000000000000', 'hex');
  head.writeUInt32LE(plain.length, 5);
  head.writeUIntLE(1 | (plain.length << 3), 9, 3);
  return Buffer.concat([head, plain]);
}
