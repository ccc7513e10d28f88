/** docs/mysql.md from the first block of its walk to the last, and what docs/applications.md says of MySQL and MariaDB. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { expect, it } from 'vitest';
import { freePort } from '../../src/embedded/loopback.ts';
import type { MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import {
  type GuideShell,
  openGuideShell,
  type Ran,
  type Staying,
  statementsOf,
} from '../support/guide-shell.ts';
import { type Block, blocksOf, blocksUnder } from '../support/guides.ts';
import { type TestMysql, testMysql } from '../support/mysql.ts';
import { until } from '../support/patience.ts';

const GUIDE = 'docs/mysql.md';
const APP_PASSWORD = 'only-for-this-test';

/** A server with stock settings on MySQL, so that the walk has to mend them; on MariaDB with those of the guide's my.cnf. */
async function server(flavor: MysqlFlavor): Promise<TestMysql> {
  if (flavor === 'mysql')
    return testMysql({
      flavor,
      settings: ['binlog-row-metadata=MINIMAL', 'binlog-rows-query-log-events=OFF'],
    });
  const [ini] = blocksUnder(GUIDE, 'Settings of MariaDB and of managed servers') as [Block];
  const lines = ini.text.split('\n').map((line) => line.replace(/#.*$/, '').trim());
  return testMysql({ flavor, settings: lines.filter((line) => line !== '' && !line.startsWith('[')) });
}

interface Walk {
  readonly flavor: MysqlFlavor;
  readonly server: TestMysql;
  readonly shell: GuideShell;
}

/** The block as somebody types it whose server is elsewhere, and who has no terminal. */
function typed({ flavor, server: { port, caFile } }: Walk, { text }: Block): string {
  return text
    .replaceAll('type: mysql ', `type: ${flavor} `)
    .replaceAll('db.example.com:3306', `127.0.0.1:${port}`)
    .replaceAll('/etc/ssl/db-ca.pem', caFile as string)
    .replace('mysql://…', `mysql://root@127.0.0.1:${port}/?ssl-ca=${caFile}`)
    .replace(/^(.*rowseal setup -c rowseal.yaml(?: --uninstall)?)(?=\s*(?:#.*)?$)/m, '$1 --yes');
}

async function sql({ server: { port, password, caFile } }: Walk, block: Block, user: 'root' | 'app') {
  const session = await mysql.createConnection({
    host: '127.0.0.1',
    port,
    user,
    password: user === 'root' ? password : APP_PASSWORD,
    ssl: { ca: await readFile(caFile as string) },
    ...(user === 'root' ? {} : { database: 'orders' }),
  });
  try {
    for (const statement of statementsOf(block))
      await session.query(statement.replace("'…'", `'${APP_PASSWORD}'`));
  } finally {
    session.destroy();
  }
}

/**
 * Runs it until what it prints fits, for what is sealed takes a moment; and once more, since of several commands the first
 * may have looked before that moment.
 */
async function eventually({ shell }: Walk, script: string, fits: (ran: Ran) => boolean): Promise<Ran> {
  await until(async () => {
    const ran = await shell.run(script);
    return fits(ran) && ran.failed.length === 0;
  });
  return shell.run(script);
}

/** From the first block to the last; the daemon that runs then. */
async function follow(walk: Walk): Promise<Staying> {
  const { shell, flavor } = walk;
  let daemon: Staying | null = null;
  for (const block of blocksUnder(GUIDE, 'The walk')) {
    const { language, text, at, under } = block;
    const step = under.at(-1) as string;
    if (language === 'yaml') {
      const file = join(await shell.folder(), 'rowseal.yaml');
      await writeFile(file, typed(walk, block));
      await appendFile(file, `metrics: { listen: 127.0.0.1:${await freePort()} }\n`);
    } else if (language === 'sql') {
      if (flavor === 'mysql' || !text.includes('SET PERSIST'))
        await sql(walk, block, step.startsWith('5.') ? 'app' : 'root');
    } else if (text.includes('rowseal run')) {
      daemon = await shell.stay(typed(walk, block), /"msg":"tables are captured"/);
      expect(daemon.said).toContain('"problems":0');
    } else if (step.startsWith('6.')) {
      const seen = ({ stdout }: Ran) => stdout.includes('"open" → "paid"');
      const last = await eventually(walk, typed(walk, block), seen);
      expect(last.failed, last.stdout + last.stderr).toEqual([]);
      expect(last.stdout).toMatch(
        /user ana@example\.com +asserted +insert {2}id 1, status "open", total "9\.90"/,
      );
      expect(last.stdout).toContain('OK: nothing is missing or altered up to this head.');
    } else {
      const { failed, stdout, stderr } = await shell.run(typed(walk, block), `${walk.server.password}\n`);
      const expected = step.startsWith('3.') ? ['1 rowseal doctor -c rowseal.yaml'] : [];
      expect(failed, `${at}\n${stdout}${stderr}`).toEqual(expected);
    }
  }
  return daemon as Staying;
}

/** The transaction and the script of docs/applications.md, and a session and a comment as it tells of them. */
async function act(walk: Walk): Promise<void> {
  const {
    shell,
    server: { port, caFile },
  } = walk;
  const blocks = blocksOf('docs/applications.md');
  const call = blocks.find(({ language, text }) => language === 'sql' && text.includes('CALL ')) as Block;
  await sql(walk, call, 'app');
  const script = blocks.find(({ language, text }) => language === 'js' && text.includes('mysql2')) as Block;
  const file = join(shell.home, 'application.mjs');
  await writeFile(
    file,
    `import { readFileSync } from 'node:fs';
import mysql from '${import.meta.resolve('mysql2/promise')}';
const pool = mysql.createPool({ host: '127.0.0.1', port: ${port}, user: 'app', password: '${APP_PASSWORD}',
  database: 'orders', ssl: { ca: readFileSync('${caFile}') } });
${script.text}
await asActor({ actor: { type: 'user', id: 'u_9' } }, (connection) =>
  connection.query("UPDATE orders SET total = 10 WHERE id = 1"));
await pool.end();
`,
  );
  const { failed, stderr } = await shell.run(`"${process.execPath}" ${file}`);
  expect(failed, stderr).toEqual([]);
  const rest =
    "SET @rowseal_actor = 'u_17';\nUPDATE orders SET total = 11 WHERE id = 1;\nSET @rowseal_actor = NULL;\n";
  await sql(walk, { ...call, text: rest }, 'app');
}

it.each(['mysql', 'mariadb'] as const)(
  '%s: the walk ends with a verified trail, applications are known, and it is taken back',
  async (flavor) => {
    await using own = await server(flavor);
    await using shell = await openGuideShell();
    const walk = { flavor, server: own, shell };
    const daemon = await follow(walk);
    await act(walk);
    const told = ({ stdout }: Ran) =>
      stdout
        .split('\n')
        .filter((line) => line.includes('"kind":"change"'))
        .map((line) => (JSON.parse(line) as { attribution: { tier: string } }).attribution.tier);
    const tiers = ['asserted', 'connection', 'asserted', 'asserted', 'session'];
    const show = 'rowseal show trails/audit.example.com/orders --table orders.orders --json';
    const shown = await eventually(walk, show, (ran) => told(ran).length === tiers.length);
    expect(told(shown), shown.stderr).toEqual(tiers);

    expect(await daemon.interrupt()).toBe(0);
    const [block] = blocksUnder(GUIDE, 'Take it all back') as [Block];
    const back = `export MYSQL_PWD='${own.password}'\n${typed(walk, block)}`;
    const { failed, stdout, stderr } = await shell.run(back);
    expect(failed, stdout + stderr).toEqual([]);
  },
);
