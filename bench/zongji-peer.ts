/**
 * The peer of G2: zongji as an application would use it for an audit log, with the JSON text of each row and its SHA-256.
 * It keeps nothing, patches nothing and verifies no checksum. Prints what it took from the first event to the last row.
 */
import { hash } from 'node:crypto';
import ZongJi from '@vlasky/zongji';

const given = JSON.parse(process.argv[2] as string) as {
  port: number;
  user: string;
  password: string;
  file: string;
  rows: number;
};
const zongji = new ZongJi({
  host: '127.0.0.1',
  port: given.port,
  user: given.user,
  password: given.password,
});
let seen = 0;
let digest = '';
let began = 0;
let cpuBefore = process.cpuUsage();

zongji.on('binlog', (event) => {
  if (began === 0) {
    began = performance.now();
    cpuBefore = process.cpuUsage();
  }
  const action = event.getEventName();
  if (action === 'tablemap') return;
  for (const row of (event as unknown as { rows: readonly object[] }).rows) {
    digest = hash('sha256', JSON.stringify({ action, table: 'bench.orders', row }));
    seen++;
  }
  if (seen < given.rows) return;
  const { user, system } = process.cpuUsage(cpuBefore);
  const took = { ms: performance.now() - began, cpuMs: (user + system) / 1000, digest };
  process.stdout.write(JSON.stringify(took), () => process.exit(0));
});
zongji.on('error', (error) => {
  throw error;
});
await zongji.start({
  serverId: 4712,
  filename: given.file,
  position: 4,
  includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows'],
  includeSchema: { bench: ['orders'] },
});
