/** `rowseal verify` and `show` as commands, over the vector: what they say of keys, heads and places. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTrail, OTHER_SIGNER, rotatedDrafts, SIGNER } from '../../../test/support/trail-builder.ts';
import { signerOf } from '../../trail/note.ts';
import type { Command } from '../command.ts';
import { showCommand } from '../show/index.ts';
import { verifyCommand } from './index.ts';

const VECTOR = new URL('../../../test/vectors/trail-1', import.meta.url).pathname;
const KEY = join(VECTOR, 'log.vkey');
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rowseal-verify-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function run(command: Command, ...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exit = await command.run(argv, { stdout, stderr, env: {}, signal: new AbortController().signal });
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
}

it('says that the head kept from earlier is still there, whatever form it was kept in', async () => {
  const kept = join(VECTOR, 'seals', '000000000001');
  const { exit, stdout } = await run(verifyCommand, VECTOR, '--key', KEY, '--head', kept);
  expect(exit).toBe(0);
  expect(stdout).toMatch(/^remembered {3}seal 1, \d+ leaves: still in this trail$/m);
  const plain = await run(verifyCommand, VECTOR, '--key', KEY);
  expect(plain.stdout).not.toContain('remembered  ');
  // Its head removed, the trail no longer holds what was kept.
  const cut = join(dir, 'cut');
  cpSync(VECTOR, cut, { recursive: true });
  rmSync(join(cut, 'seals', '000000000003'), { force: true });
  const last = join(VECTOR, 'seals', '000000000003');
  const found = await run(verifyCommand, cut, '--key', KEY, '--head', last);
  expect(found.exit).toBe(1);
  expect(found.stdout).not.toContain('still in this trail');
  writeFileSync(join(dir, 'junk'), 'rowseal/seal@v1\njunk\n\n');
  await expect(run(verifyCommand, VECTOR, '--key', KEY, '--head', join(dir, 'junk'))).rejects.toMatchObject({
    code: 'usage',
  });
});

it('follows a trail whose key changed, names both keys, and takes a head that the later one signed', async () => {
  const trail = join(dir, 'rotated');
  for (const [path, bytes] of await buildTrail(rotatedDrafts())) {
    mkdirSync(dirname(join(trail, path)), { recursive: true });
    writeFileSync(join(trail, path), bytes);
  }
  const head = join(trail, 'seals', '000000000004');
  const given = await run(verifyCommand, trail, '--key', SIGNER.key.vkey, '--head', head);
  expect({ exit: given.exit, stderr: given.stderr }).toEqual({ exit: 0, stderr: '' });
  expect(given.stdout).toContain(
    `${SIGNER.key.vkey} (given by you). The seals lead from it to ${OTHER_SIGNER.key.vkey}`,
  );
  expect(given.stdout).toMatch(/^remembered {3}seal 4, 19 leaves: still in this trail$/m);
  const json = await run(verifyCommand, trail, '--json');
  expect(JSON.parse(json.stdout).trust).toMatchObject({
    how: 'first-use',
    vkey: SIGNER.key.vkey,
    present: OTHER_SIGNER.key.vkey,
  });
  const shown = await run(showCommand, trail, '--vkey', SIGNER.key.vkey, '--json');
  expect(shown.stdout).toContain('"id":"made:5:1"');
  const later = await run(verifyCommand, trail, '--key', OTHER_SIGNER.key.vkey);
  expect(later.exit).toBe(2);
  expect(later.stdout).toMatch(
    /^UNCHECKED key_missing {2}seals\/000000000002: 2 seals before it are not signed/m,
  );
  // A head of another trail is a mistake.
  await expect(run(verifyCommand, VECTOR, '--key', KEY, '--head', head)).rejects.toMatchObject({
    code: 'usage',
  });
});

it('tells the private key and a mistyped file name from a vkey, and repeats no secret', async () => {
  const { text } = signerOf('a.example/b', Buffer.alloc(32, 7));
  writeFileSync(join(dir, 'log.key'), text);
  for (const given of [text, join(dir, 'log.key')]) {
    const refused = await run(verifyCommand, VECTOR, '--key', given).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'key_invalid',
      message: expect.stringContaining('is the private key'),
    });
    expect(String(refused)).not.toContain(text.slice(-20));
  }
  await expect(run(verifyCommand, VECTOR, '--key', join(dir, 'log.vkeyy'))).rejects.toMatchObject({
    message: expect.stringContaining('there is no file'),
  });
});

it('says once that no seal is signed by the given key, and by which ones they are', async () => {
  const other = signerOf('audit.example.com/other', Buffer.alloc(32, 7)).signer.key;
  const { exit, stdout } = await run(verifyCommand, VECTOR, '--key', other.vkey);
  expect(exit).toBe(1);
  const told = stdout.split('\n').filter((line) => line.startsWith('FINDING'));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`no seal is signed by the given key, ${other.name} (key id ${other.id})`);
  expect(told[0]).toContain('the 4 seals here bear signatures of audit.example.com/vector+5991589e.');
  expect(told[0]).toContain('ask for the vkey of this one');
  expect(stdout).toMatch(/^NOT OK: 5 findings\. 4 of them say the same of one seal each/m);
  const json = await run(verifyCommand, VECTOR, '--key', other.vkey, '--json');
  const verdict = JSON.parse(json.stdout);
  expect(verdict.trust.signers).toEqual(['audit.example.com/vector+5991589e']);
  expect(verdict.findings.map(({ code }: { code: string }) => code).toSorted()).toEqual([
    'no_signed_seal',
    ...Array.from({ length: 4 }, () => 'signature_missing'),
  ]);
  // Something else that is wrong is told beside it.
  const spoiled = join(dir, 'spoiled');
  cpSync(VECTOR, spoiled, { recursive: true });
  rmSync(join(spoiled, 'seals', '000000000002'), { force: true });
  writeFileSync(join(spoiled, 'seals', '000000000002'), 'junk');
  const both = await run(verifyCommand, spoiled, '--key', other.vkey);
  expect(both.stdout).toContain('FINDING seal_malformed  seals/000000000002');
  expect(both.stdout).toContain('the 3 seals here bear');
});

it('names the trails below a folder that is none itself', async () => {
  cpSync(VECTOR, join(dir, 'trails', 'audit.example.com', 'orders'), { recursive: true });
  const { exit, stderr } = await run(verifyCommand, join(dir, 'trails'), '--key', KEY);
  expect(exit).not.toBe(0);
  expect(stderr).toContain(`  ${join(dir, 'trails', 'audit.example.com', 'orders')}\n`);
});

it('show without a match says how far the trail reaches', async () => {
  const { exit, stdout, stderr } = await run(showCommand, VECTOR, '--table', 'no.such');
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
  expect(stderr).toMatch(/^No record matches\. The trail reaches to 2026-11-21T\S+ \(seal 3\)\.$/m);
});
