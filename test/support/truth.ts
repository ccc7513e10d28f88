/** One run of the truth test: a daemon, the workload beside it, and the verdict. */
import { startCase } from './capture-case.ts';
import { isConnected, startDaemon } from './daemon.ts';
import { startWorkload } from './workload.ts';

export interface TruthOptions {
  readonly major: number;
  readonly seed: number;
  readonly transactions: number;
  readonly ddl: number;
}

export async function truth(options: TruthOptions) {
  await using at = await startCase({
    major: options.major,
    seal: { max_age: '300ms', max_records: 400, idle: '1s' },
  });
  await using daemon = startDaemon(at.config.path);
  await daemon.says(isConnected);
  const workload = startWorkload({ ...options, url: at.server.url, paceMs: 0 });
  const { committed, failed } = await workload.done;
  await at.caughtUp();
  const status = await daemon.terminate();
  const verdict = await at.verdict();
  const problems = [...verdict.differences];
  for (const alteration of verdict.blind) problems.push(`the comparison is blind to: ${alteration}`);
  if (verdict.verify !== null) problems.push(`verify: ${verdict.verify}`);
  if (status !== 0) problems.push(`the daemon left with ${status}: ${daemon.stderr()}`);
  return { ...verdict, committed, failed, problems };
}
