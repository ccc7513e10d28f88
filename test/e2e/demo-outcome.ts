/** What `rowseal demo --json` says of itself, and what must be true of it whatever the shop runs on. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';

export const MAIN: string = new URL('../../src/main.ts', import.meta.url).pathname;
export const run = promisify(execFile);

export interface Outcome {
  readonly ok: boolean;
  readonly trail: string;
  readonly vkey: string;
  readonly history: {
    readonly kind: string;
    readonly actor: { readonly type: string; readonly id?: string };
    readonly attribution: { readonly tier: string; readonly via?: string };
    readonly connection?: { readonly user?: string; readonly application?: string };
    readonly tag?: string;
  }[];
  readonly caught: {
    readonly what: string;
    readonly object: string;
    readonly exit: number;
    readonly findings: { readonly code: string; readonly object: string }[];
  }[];
  readonly wrong: string[];
}

/** `last`: the tier of the rogue's change. */
export async function expectAllWell(outcome: Outcome, last: string): Promise<void> {
  const { ok, history, caught, wrong, trail, vkey } = outcome;
  expect(wrong).toEqual([]);
  expect(ok).toBe(true);
  const changes = history.filter(({ kind }) => kind === 'change');
  expect(changes.map(({ attribution }) => attribution.tier)).toEqual([
    'asserted',
    'session',
    'annotated',
    'connection',
    last,
  ]);
  const [byte, seal, head] = caught;
  expect(byte).toMatchObject({
    what: 'byte-changed',
    exit: 1,
    findings: [{ code: 'sha256_mismatch', object: byte?.object }],
  });
  expect(seal).toMatchObject({
    what: 'seal-removed',
    exit: 1,
    findings: [{ code: 'seal_missing', object: seal?.object }],
  });
  expect(head).toMatchObject({ what: 'head-removed', exit: 1, findings: [{ code: 'head_mismatch' }] });
  expect(byte?.object).toMatch(/^segments\/default\//);
  expect(seal?.object).toMatch(/^seals\//);

  // What it left is clean, and the secrets of the story are not in it.
  const verified = await run(process.execPath, [MAIN, 'verify', trail, '--key', vkey, '--strict']);
  expect(verified.stdout).toContain('OK: nothing is missing or altered');
  const shown = await run(process.execPath, [MAIN, 'show', trail, '--json'], { maxBuffer: 64 * 1024 ** 2 });
  expect(shown.stdout).not.toContain('4111111111111111');
  expect(shown.stdout).toContain('"encoded":{');
}
