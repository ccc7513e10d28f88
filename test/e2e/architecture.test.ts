/** The documents name tests, metrics and errors: what they name must exist. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERRORS } from '../../src/base/errors.ts';
import { createMetrics } from '../../src/base/metrics.ts';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('every test that ARCHITECTURE.md names is there, and every invariant names one', () => {
  const invariants = text('src/ARCHITECTURE.md')
    .split(/^\*\*(?=I\d+ )/m)
    .slice(1);
  expect(invariants.map((each) => each.split(' ')[0])).toEqual(
    Array.from({ length: 10 }, (_, at) => `I${at + 1}`),
  );
  for (const invariant of invariants) {
    const named = [...invariant.matchAll(/^- `([^`]+)`: (.+)$/gm)];
    expect(named.length, invariant).toBeGreaterThan(0);
    for (const [, path, title] of named) expect(text(path as string), path).toContain(title as string);
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
