import { defineConfig } from 'vitest/config';

/** `npm test` runs everything here; `npm run test:long` adds the runs that take longer than CI may. */
const long = process.env['ROWSEAL_LONG'] === '1';

// No test is bounded by the clock: waits are by the machine's idle time (support/patience.ts), runs by their work. This is
// the only limit of time (and the same in vitest.unit.config.ts), a backstop for what hangs on a machine that is never idle.
const BACKSTOP_MS = (long ? 240 : 30) * 60_000;

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', ...(long ? ['test/**/*.long.ts'] : [])],
    globalSetup: ['test/support/shared-mysql.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    testTimeout: BACKSTOP_MS,
    hookTimeout: BACKSTOP_MS,
    teardownTimeout: BACKSTOP_MS,
    // eventually() of support/patience.ts is better; at least it must not give up after a second.
    expect: { poll: { timeout: BACKSTOP_MS / 6 } },
    // Real servers share the cores with the tests, and tests wait for servers: three files at a time keep two cores busy.
    maxWorkers: 3,
  },
});
