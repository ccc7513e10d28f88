import { defineConfig } from 'vitest/config';

/** `npm test` runs everything here; `npm run test:long` adds the runs that take longer than CI may. */
const long = process.env['ROWSEAL_LONG'] === '1';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', ...(long ? ['test/**/*.long.ts'] : [])],
    globalSetup: ['test/support/shared-mysql.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // Real servers share the cores with the tests: two files at a time.
    maxWorkers: 2,
  },
});
