/** The documents name tests, metrics and errors: what they name must exist. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERRORS } from '../../src/base/errors.ts';
import { createMetrics } from '../../src/base/metrics.ts';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const isFile = (path: string) => existsSync(new URL(`../../${path}`, import.meta.url));

it('every test that ARCHITECTURE.md names is there, and every invariant names one', () => {
  const invariants = text('src/ARCHITECTURE.md')
    .split(/^\*\*(?=I\d+ )/m)
    .slice(1);
  // I11, that green means whole, waits for what it asks for.
  const numbers = Array.from({ length: 12 }, (_, at) => at + 1).filter((number) => number !== 11);
  expect(invariants.map((each) => each.split(' ')[0])).toEqual(numbers.map((number) => `I${number}`));
  for (const invariant of invariants) {
    const named = [...invariant.matchAll(/^- `([^`]+)`: (.+)$/gm)];
    expect(named.length, invariant).toBeGreaterThan(0);
    for (const [, path, title] of named) expect(text(path as string), path).toContain(title as string);
  }
});

it('every file that ARCHITECTURE.md and ENGINES.md lead to is there', () => {
  const named = ['src/ARCHITECTURE.md', 'src/ENGINES.md'].flatMap((page) => [
    ...text(page).matchAll(/`([a-z<>-]+\/[a-z0-9<>/.-]+\.(?:ts|md|sql))`/g),
  ]);
  expect(named.length).toBeGreaterThan(60);
  const engines = ['postgres', 'mysql'];
  for (const path of new Set(named.map(([, found]) => found as string))) {
    // ENGINES.md names files inside of an engine's rooms.
    const roots = ['src', '.', 'src/trail', ...engines.map((engine) => `src/source/${engine}`)];
    const candidates = roots.flatMap((root) =>
      engines.map((engine) => `${root}/${path}`.replaceAll('<engine>', engine)),
    );
    expect(candidates.some(isFile), path).toBe(true);
  }
});

it('every metric and every error that the guides name is there', async () => {
  const metrics = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
  const named = [...text('docs/operate.md').matchAll(/`(rowseal_[a-z_]+)/g)].map(
    ([, name]) => name as string,
  );
  expect(metrics).toEqual(expect.arrayContaining(named));
  expect(named.length).toBeGreaterThan(10);
  const rows = text('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const codes = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, code]) => code),
  );
  const known = [...Object.keys(ERRORS), 'wal_level', 'max_slot_wal_keep_size'];
  for (const code of codes) expect(known).toContain(code);
  expect(codes.length).toBeGreaterThan(10);
});
