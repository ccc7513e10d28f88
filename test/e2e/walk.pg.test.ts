/** docs/postgres.md from the first block of its walk to the last, and what docs/applications.md says of Postgres. */
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../src/embedded/loopback.ts';
import { type EmbeddedPostgres, startPostgres } from '../../src/embedded/postgres.ts';
import {
  type GuideShell,
  openGuideShell,
  type Ran,
  type Staying,
  statementsOf,
} from '../support/guide-shell.ts';
import { type Block, blocksOf, blocksUnder, masked } from '../support/guides.ts';
import { until } from '../support/patience.ts';

const GUIDE = 'docs/postgres.md';
let postgres: EmbeddedPostgres;
let shell: GuideShell;
let daemon: Staying;

beforeAll(async () => {
  // As a stock server is, so that doctor has something to say.
  postgres = await startPostgres({
    major: 18,
    settings: { wal_level: 'replica', max_slot_wal_keep_size: '-1' },
  });
  shell = await openGuideShell();
});
afterAll(async () => {
  await shell?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

const password = () => decodeURIComponent(new URL(postgres.url).password);

/** The block as somebody types it whose server is at another port, and who has no terminal. */
function typed({ text }: Block): string {
  return text
    .replaceAll('PGPORT=5432', `PGPORT=${postgres.port}`)
    .replaceAll('127.0.0.1:5432', `127.0.0.1:${postgres.port}`)
    .replace('postgres://…', `postgres://postgres@127.0.0.1:${postgres.port}/orders?sslmode=disable`)
    .replace(/^(.*rowseal setup -c rowseal.yaml(?: --uninstall)?)$/m, '$1 --yes');
}

async function sql(block: Block): Promise<void> {
  const client = new Client({ connectionString: postgres.url.replace('/postgres?', '/orders?') });
  client.on('error', () => undefined);
  try {
    await client.connect();
    for (const statement of statementsOf(block)) await client.query(statement);
  } finally {
    await client.end();
  }
}

/**
 * Runs it until what it prints fits, for what is sealed takes a moment; and once more, since of several commands the first
 * may have looked before that moment.
 */
async function eventually(script: string, fits: (ran: Ran) => boolean): Promise<Ran> {
  await until(async () => {
    const ran = await shell.run(script);
    return fits(ran) && ran.failed.length === 0;
  });
  return shell.run(script);
}

it('the walk ends with a verified trail', async () => {
  let last: Ran | null = null;
  for (const block of blocksUnder(GUIDE, 'The ten-minute walk')) {
    const { language, at, under } = block;
    const step = under.at(-1) as string;
    if (language === 'yaml') {
      const file = join(await shell.folder(), 'rowseal.yaml');
      await writeFile(file, typed(block));
      await appendFile(file, `metrics: { listen: 127.0.0.1:${await freePort()} }\n`);
    } else if (language === 'sql') {
      await sql(block);
      if (!block.text.includes('ALTER SYSTEM')) continue;
      await postgres.restart();
      const { stdout, failed } = await shell.run('rowseal doctor -c rowseal.yaml');
      expect(failed, at).toEqual(['1 rowseal doctor -c rowseal.yaml']);
      expect(stdout.match(/\bFAIL\b/g), stdout).toHaveLength(1);
    } else if (language === 'sh' && block.text.includes('rowseal run')) {
      daemon = await shell.stay(typed(block), /"msg":"tables are captured"/);
      expect(daemon.said).toContain('"problems":0');
    } else if (language === 'sh' && step.startsWith('6.')) {
      last = await eventually(typed(block), ({ stdout }) => stdout.includes('"open" → "paid"'));
      expect(last.failed, last.stdout + last.stderr).toEqual([]);
    } else if (language === 'sh') {
      last = await shell.run(typed(block), `${password()}\n`);
      const expected = step.startsWith('3.') ? ['1 rowseal doctor -c rowseal.yaml'] : [];
      expect(last.failed, `${at}\n${last.stdout}${last.stderr}`).toEqual(expected);
    } else {
      // What the guide shows is what was printed. (How much log the server keeps, and lags by, varies.)
      const shown = masked(block.text).filter((line) => !/^(lag|slot|head) /.test(line));
      expect(masked(last?.stdout ?? ''), at).toEqual(expect.arrayContaining(shown));
    }
  }
});

it('applications are known at the tiers that their guide says', async () => {
  const ours = blocksOf('docs/applications.md').filter(
    ({ language, text }) =>
      language === 'sh' ||
      (language === 'sql' && !text.includes('CALL ')) ||
      text.includes('set_context($1)'),
  );
  expect(ours.map(({ language }) => language)).toEqual(['sql', 'js', 'sh', 'sql', 'sql']);
  for (const block of ours) {
    if (block.language === 'sql') await sql(block);
    else {
      const script = join(shell.home, 'application.mjs');
      const pool = `import pg from '${import.meta.resolve('pg')}';\nconst pool = new pg.Pool({ database: 'orders' });\n`;
      if (block.language === 'js') await writeFile(script, `${pool}${block.text}\nawait pool.end();\n`);
      const line = block.language === 'js' ? `"${process.execPath}" ${script}` : block.text;
      const { failed, stderr } = await shell.run(`export PGUSER=postgres\n${line}`);
      expect(failed, `${block.at}\n${stderr}`).toEqual([]);
    }
  }
  const tiers = [
    'asserted',
    'connection',
    'asserted',
    'asserted',
    'session',
    'session',
    'session',
    'annotated',
  ];
  const told = ({ stdout }: Ran) =>
    stdout
      .split('\n')
      .filter((line) => line.includes('"kind":"change"'))
      .map((line) => (JSON.parse(line) as { attribution: { tier: string } }).attribution.tier);
  const show = 'rowseal show trails/audit.example.com/orders --table public.orders --json';
  const shown = await eventually(show, (ran) => told(ran).length === tiers.length);
  expect(told(shown), shown.stderr).toEqual(tiers);
});

it('an auditor’s commands answer', async () => {
  const parts = ['Verify', 'Keep a head', 'Who changed which row'];
  const lines = blocksOf('docs/auditors.md')
    .filter(({ language, under }) => language === 'sh' && parts.includes(under.at(-1) as string))
    .flatMap(({ text }) => text.trimEnd().split('\n'))
    .filter((line) => !line.includes('s3:') && !line.includes('| jq'));
  expect(lines).toHaveLength(5);
  const { failed, stdout, stderr } = await shell.run(
    `${lines.join('\n')}\nrowseal verify ./trails/audit.example.com/orders --key log.vkey --head kept-seal`,
  );
  expect(failed, stdout + stderr).toEqual([]);
  expect(stdout).toContain('leaves: still in this trail');
});

it('takes it all back', async () => {
  expect(await daemon.interrupt()).toBe(0);
  const [block] = blocksUnder(GUIDE, 'Take it all back') as [Block];
  const { failed, stdout, stderr } = await shell.run(typed(block));
  expect(failed, stdout + stderr).toEqual([]);
  const again = await shell.run(typed(block));
  expect(again.failed, again.stdout + again.stderr).toEqual([]);
});
