/** The search for a signed checkpoint in bytes that are no seal: what it finds, and that hostile bytes cost little. */
import { expect, it } from 'vitest';
import { signerOf, signNote, type VerifierKey } from '../../trail/note.ts';
import { fewestBytes, MAX_SEARCHED_BYTES, signedSizeIn } from './signed-size.ts';

const NAME = 'audit.example.com/made';
const { signer } = signerOf(NAME, Buffer.alloc(32, 1));
const ROOT = Buffer.alloc(32, 7).toString('base64');
const noteOf = (origin: string, size: number) => signNote(`${origin}\n${size}\n${ROOT}\n`, [signer]);

function counting(): { verifier: VerifierKey; verified: () => number } {
  let verified = 0;
  const verify: VerifierKey['verify'] = (message, signature) => {
    verified += 1;
    return signer.key.verify(message, signature);
  };
  return { verifier: { ...signer.key, verify }, verified: () => verified };
}

const filled = (unit: string): Buffer =>
  Buffer.from(unit.repeat(Math.ceil(MAX_SEARCHED_BYTES / Buffer.byteLength(unit)))).subarray(
    0,
    MAX_SEARCHED_BYTES,
  );

it('finds a checkpoint whatever stands before, between and behind, and one of another origin', async () => {
  const note = await noteOf(NAME, 42);
  const split = note.indexOf('\n\n');
  for (const text of [
    note,
    `x${note}`,
    `${'x'.repeat(100_000)}${note}`,
    `${note.slice(0, split)}\njunk\n${note.slice(split + 1)}junk`,
    `${note.slice(split + 1)}${note.slice(0, split)}\n`,
    note.slice(0, -1),
    await noteOf('else.example', 42),
  ])
    expect(signedSizeIn(Buffer.from(text), [signer.key]), text.slice(0, 80)).toBe(42);
  expect(signedSizeIn(Buffer.from(note.replace('\n42\n', '\n43\n')), [signer.key])).toBeNull();
  expect(signedSizeIn(Buffer.from(`${note}${await noteOf(NAME, 77)}`), [signer.key])).toBe(77);
});

it('is asked of nothing that could hold one and is shorter', async () => {
  const shortest = (await noteOf('o', 0)).replace('\n\n', '\n').slice(0, -1);
  expect(signedSizeIn(Buffer.from(shortest), [signer.key])).toBe(0);
  expect(Buffer.byteLength(shortest)).toBe(fewestBytes(signer.key));
});

// A pattern that began anew at each byte of a line took 5 to 11 s for 4 MiB of `aaaa…` with a made-up signature line,
// which anybody may put into a bucket any number of times.
it('passes hostile bytes once, and tries few signatures', async () => {
  const payload = (first: string) =>
    Buffer.concat([Buffer.from(signer.key.id, 'hex'), Buffer.alloc(64, first)]).toString('base64');
  const lines = ['a', 'b', 'c', 'd', 'e', 'f'].map((each) => `\u2014 ${NAME} ${payload(each)}\n`).join('');
  const hostile = [
    'a',
    '\n',
    'a\n',
    '1\n',
    `${NAME}\n`,
    `${NAME}\n0\n`,
    `${'a'.repeat(512)}\n0\n`,
    `a\n0\n${'A'.repeat(43)}\n`,
    `a\n0\n${'A'.repeat(43)}=`,
    `${'a'.repeat(44)}\n`,
    `\u2014 ${NAME} `,
    `\u2014 ${NAME} ${'A'.repeat(92)}`,
    `${NAME}\n${'9'.repeat(16)}\n${ROOT}\n`,
  ].map((unit) => Buffer.concat([Buffer.from(lines), filled(unit)]).subarray(0, MAX_SEARCHED_BYTES));
  const many = Array.from({ length: 50_000 }, (_, i) => `x${NAME}\n${i}\n${ROOT}\n`).join('');
  hostile.push(Buffer.from(lines + many));
  const began = process.cpuUsage();
  for (const bytes of hostile) {
    const { verifier, verified } = counting();
    expect(signedSizeIn(bytes, [verifier])).toBeNull();
    expect(verified()).toBeLessThanOrEqual(4 * 2 * 4);
  }
  // Some 0.05 s each here; one of them took longer than all of them may.
  expect(process.cpuUsage(began).user / 1e6).toBeLessThan(5);
});
