/**
 * Closes a test run with one plain line, `N passed, N failed, N skipped`, names every skipped test, and makes
 * skipped tests fail where CI is set: a test that does not run proves nothing.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const outcome = outcomeOf(test);
        counts[outcome] += 1;
        if (outcome === 'skipped') skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
      }
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0)
        counts.failed += 1;
    }
    if (skipped.length > 0 && process.env['CI'] !== undefined) process.exitCode = 1;
    // After the summary, which is printed in the same turn.
    process.once('exit', () => {
      for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
      process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
    });
  }
}

function outcomeOf(test: TestCase): 'passed' | 'failed' | 'skipped' {
  const { state } = test.result();
  return state === 'passed' || state === 'failed' ? state : 'skipped';
}
