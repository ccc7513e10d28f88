/** One run of the truth test on MySQL or MariaDB: a daemon, the workload beside it, and the verdict. */
import { isConnected, startDaemon } from './daemon.ts';
import { type CaseOptions, startCase } from './mysql-case.ts';
import { startWorkload } from './mysql-workload.ts';

export interface TruthOptions extends CaseOptions {
  readonly seed: number;
  readonly transactions: number;
  readonly ddl: number;
}

export async function truth(options: TruthOptions) {
  await using at = await startCase({ seal: { max_age: '300ms', max_records: 400, idle: '1s' }, ...options });
  await using daemon = startDaemon(at.config.path);
  await daemon.says(isConnected);
  await at.begin();
  const workload = startWorkload({ ...options, ...at, urlFor: at.server.urlFor, paceMs: 0 });
  const { committed, failed } = await workload.done;
  await at.caughtUp();
  const status = await daemon.terminate();
  const verdict = await at.verdict();
  const problems = [...verdict.differences, ...verdict.told.map((line) => `told: ${line}`)];
  for (const alteration of verdict.blind) problems.push(`the comparison is blind to: ${alteration}`);
  if (verdict.verify !== null) problems.push(`verify: ${verdict.verify}`);
  if (status !== 0) problems.push(`the daemon left with ${status}: ${daemon.stderr()}`);
  return { ...verdict, committed, failed, problems };
}
