import { defineConfig } from 'vitest/config';

/** `npm run test:unit`: what needs no server, for the daily round. What lies under test/ and needs none is named here. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['src/**/*.test.ts', 'test/support/*.test.ts', 'test/e2e/{architecture,compose}.test.ts'],
    // The suffix names the server that a test needs. What alters vectors and trails member by member or byte by byte, or puts
    // junk by the thousand, or waits, takes too long for this.
    exclude: [
      '**/*.{pg,my,s3}.test.ts',
      'src/verify/{vector,later-vectors,vector-members,liar,stranger,outsider}.test.ts',
      'src/verify/beside/outsider.test.ts',
      'src/seal/head/state-records.test.ts',
      'src/source/mysql/wire/{packets,claim}.test.ts',
      'src/seal/sealer.test.ts',
      'test/support/flaky-store.test.ts',
    ],
    // A tenth of the random runs that `npm test` makes (support/runs.ts).
    env: { ROWSEAL_RUNS: '0.1' },
    // Modules are loaded once a worker, not once a file: half of the time.
    isolate: false,
    reporters: ['default', './test/support/closing-line.ts'],
    // A backstop for what hangs, as in vitest.config.ts.
    testTimeout: 30 * 60_000,
    hookTimeout: 30 * 60_000,
    maxWorkers: '100%',
  },
});
