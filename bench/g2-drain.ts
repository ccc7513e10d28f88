/**
 * G2: sealed rows a second from a backlog of MySQL and of MariaDB, against `mysqlbinlog -vv > /dev/null` and
 * `mariadb-binlog -vv > /dev/null`, and against zongji with JSON and a hash a row, on the same backlog, over TCP. The
 * backlog is written once; a trail for each round began in front of it.
 * Run: node bench/g2-drain.ts [rows] [rounds] [insert|update] [rows per transaction] [mysql,mariadb]
 */
import { createMysqlRig, type MysqlRig, type Run } from './mysql-rig.ts';
import { cpuSeconds, machine, median, sealedTo, startDaemon } from './rig.ts';

const ROWS = Number(process.argv[2] ?? 3_000_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const KIND = process.argv[4] ?? 'insert';
const PER = Number(process.argv[5] ?? 1000);
const FLAVORS = (process.argv[6] ?? 'mysql,mariadb').split(',') as ('mysql' | 'mariadb')[];

interface Contest {
  readonly rig: MysqlRig;
  /** One for each round. */
  readonly configs: readonly string[];
  /** The backlog's first file, and where it ends. */
  readonly file: string;
  readonly end: string;
  readonly ours: Run[];
  readonly client: Run[];
  readonly zongji: Run[];
}

async function createContest(rig: MysqlRig): Promise<Contest> {
  if (KIND === 'update') await rig.load(0, ROWS, 10_000);
  const configs = Array.from({ length: ROUNDS + 1 }, () => rig.config());
  for (const config of configs) {
    const daemon = startDaemon(config);
    await daemon.line((line) => line['msg'] === 'sealed' && line['number'] === 1);
    await daemon.stop();
  }
  const file = await rig.rotate();
  if (KIND === 'insert') await rig.load(0, ROWS, PER);
  else await rig.update(ROWS, PER);
  return { rig, configs, file, end: await rig.end(), ours: [], client: [], zongji: [] };
}

/** From the seal that says that capture starts to the one that covers `end`: milliseconds, and our CPU. */
async function drainWithDaemon(rig: MysqlRig, config: string, end: string): Promise<Run> {
  const daemon = startDaemon(config);
  const pid = daemon.child.pid as number;
  const begun = await daemon.line((line) => line['msg'] === 'sealed' && line['reason'] === 'start');
  const cpuBefore = cpuSeconds(pid);
  const done = await sealedTo(daemon, rig, end);
  const cpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
  await daemon.stop();
  return { ms: Date.parse(done['time'] as string) - Date.parse(begun['time'] as string), cpuMs };
}

async function round(contest: Contest, number: number): Promise<void> {
  const { rig, configs, file, end } = contest;
  const ours = await drainWithDaemon(rig, configs[number]!, end);
  const client = rig.readWithClient(file);
  const zongji = await rig.readWithZongji(file, ROWS);
  if (number === 0) return; // warm-up
  contest.ours.push(ours);
  contest.client.push(client);
  contest.zongji.push(zongji);
  const [own, plain, theirs] = [ours, client, zongji].map(({ ms }) => Math.round(ROWS / (ms / 1000)));
  process.stdout.write(
    `${rig.name} round ${number}: sealed ${own}, ${rig.clientName} -vv ${plain}, zongji ${theirs} rows/s\n`,
  );
}

function report({ rig, ours, client, zongji }: Contest): string {
  const rate = (runs: readonly Run[]) => Math.round(median(runs.map(({ ms }) => ROWS / (ms / 1000))));
  const cpu = (runs: readonly Run[]) =>
    `${median(runs.map(({ cpuMs }) => (cpuMs * 1000) / ROWS)).toFixed(2)} µs`;
  const ratio = (runs: readonly Run[]) => {
    const each = ours.map(({ ms }, i) => runs[i]!.ms / ms);
    return `${median(each).toFixed(2)} (median of ${each.map((one) => one.toFixed(2)).join(', ')})`;
  };
  return (
    `G2 ${rig.name} ${KIND}s, ${PER} a transaction, ${ROWS} rows × ${ROUNDS}: sealed ${rate(ours)} rows/s; ` +
    `${rig.clientName} -vv ${rate(client)}, ratio ${ratio(client)}; zongji + JSON + hash ${rate(zongji)}, ratio ${ratio(zongji)}; ` +
    `CPU a row ${cpu(ours)}, ${cpu(client)}, ${cpu(zongji)}\n`
  );
}

const contests: Contest[] = [];
try {
  for (const flavor of FLAVORS) {
    contests.push(await createContest(await createMysqlRig(flavor)));
  }
  for (let number = 0; number <= ROUNDS; number++) for (const each of contests) await round(each, number);
  for (const each of contests) process.stdout.write(report(each));
  process.stdout.write(`${machine()}\n`);
} finally {
  for (const { rig } of contests) await rig[Symbol.asyncDispose]();
}
