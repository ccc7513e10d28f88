/**
 * A certificate authority and a server certificate for localhost and 127.0.0.1, made anew for each throw-away server,
 * so that TLS can be verified without openssl(1) on the machine. X.509 v3 (RFC 5280 section 4.1), ECDSA on P-256,
 * valid for thirty days. Must never be used for anything that others connect to: the authority's key is forgotten.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface ServerCertificate {
  /** PEM of the authority, which clients verify with. */
  readonly ca: string;
  /** PEM of the server's certificate and of its private key (PKCS #8). */
  readonly cert: string;
  readonly key: string;
}

const VALID_DAYS = 30;

export function makeCertificate(now = new Date()): ServerCertificate {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = createHash('sha1').update(spkiOf(authority.publicKey)).digest();
  const issue = (subject: string, publicKey: KeyObject, extensions: Buffer[]) =>
    certificate(
      { issuer: 'rowseal throw-away CA', subject, publicKey, extensions, now },
      authority.privateKey,
    );
  return {
    ca: issue('rowseal throw-away CA', authority.publicKey, [
      extension('551d13', true, sequence(der(0x01, Buffer.from([0xff])))), // basicConstraints: cA
      extension('551d0f', true, der(0x03, Buffer.from([0x02, 0x04]))), // keyUsage: keyCertSign
      extension('551d0e', false, der(0x04, keyId)), // subjectKeyIdentifier
    ]),
    cert: issue('localhost', server.publicKey, [
      extension('551d23', false, sequence(der(0x80, keyId))), // authorityKeyIdentifier
      extension(
        '551d11', // subjectAltName: dNSName and iPAddress
        false,
        sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))),
      ),
    ]),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

interface Contents {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly now: Date;
}

function certificate({ issuer, subject, publicKey, extensions, now }: Contents, by: KeyObject): string {
  const algorithm = sequence(oid('2a8648ce3d040302')); // ecdsa-with-SHA256
  const day = 86_400_000;
  const validity = [now.getTime() - day, now.getTime() + VALID_DAYS * day].map((at) => time(new Date(at)));
  const signed = sequence(
    der(0xa0, integer(Buffer.from([2]))), // v3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    name(issuer),
    sequence(...validity),
    name(subject),
    spkiOf(publicKey),
    der(0xa3, sequence(...extensions)),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', signed, by)]));
  const base64 = sequence(signed, algorithm, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, der(0x04, value));
}

/** A name of nothing but a common name. */
function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));
}

/** UTCTime, good until 2049. */
function time(at: Date): Buffer {
  return der(0x17, Buffer.from(`${at.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** Tag, length, contents (X.690 sections 8.1.2 and 8.1.3). */
function der(tag: number, contents: Buffer): Buffer {
  const { length } = contents;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), contents]);
}
