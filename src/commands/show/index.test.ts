/** `rowseal show` on trails made by hand: the order of a seal's records, and holes in a history. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { buildTrail, change, genesis, type SealDraft } from '../../../test/support/trail-builder.ts';
import { showCommand } from './index.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

async function trailOf(drafts: readonly SealDraft[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rowseal-show-'));
  folders.push(folder);
  for (const [path, bytes] of await buildTrail(drafts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}
async function show(folder: string, ...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, env: {}, signal: new AbortController().signal };
  const said = { stdout: '', stderr: '' };
  stdout.on('data', (text) => {
    said.stdout += String(text);
  });
  stderr.on('data', (text) => {
    said.stderr += String(text);
  });
  const exit = await showCommand.run([folder, ...argv], io);
  await new Promise((done) => setImmediate(done));
  return { exit, ...said };
}
const gap = (details: object, time = '2026-11-21T20:00:03.000Z') =>
  JSON.stringify({ kind: 'gap', time, from: 'a', to: 'b', reason: 'statement_format', details });
const relation = (table: string) =>
  JSON.stringify({ kind: 'relation', time: 't', target: { schema: 'public', table }, columns: [] });
const ddl = (number: number) =>
  JSON.stringify({
    kind: 'ddl',
    tag: 'CREATE TABLE',
    target: { schema: 'public', type: 'table', identity: 'public.orders' },
    transaction: { number, index: 1 },
  });

// Relations have no transaction, and stood before everything else of their seal.
it('puts what has no transaction beside its neighbours: the DDL before the relation that it made', async () => {
  const seal = {
    trail: [genesis(), ddl(1), gap({}), ddl(3)],
    default: [change(2, 1), relation('orders'), change(4, 1)],
    other: [relation('orders'), change(2, 2)],
  };
  const { stdout } = await show(await trailOf([{ records: seal }]), '--json');
  const told = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; transaction?: { number: number } })
    .map(({ kind, transaction }) => `${kind} ${transaction?.number ?? ''}`.trim());
  expect(told).toEqual([
    'genesis',
    'ddl 1',
    'gap',
    'change 2',
    'relation',
    'change 2',
    'ddl 3',
    'relation',
    'change 4',
  ]);
});

describe('a history with holes', () => {
  const LINE = / gap records? in this time \(rowseal show \S+ --action gap\): changes may be missing\n$/;
  const ofTable = ['--table', 'public.orders', '--key', '42'];
  const holes: SealDraft[] = [
    { records: { trail: [genesis(), gap({})] } },
    { records: { trail: [gap({ table: 'public.orders' })], default: [change(1, 1)] } },
    { records: { trail: [gap({ table: 'public.other' }), gap({ table: null }), gap({})] } },
    { records: { trail: [gap({ schema: 'public', table: 'orders' }, '2026-11-22T00:00:00.000Z')] } },
  ];

  it('says at its end how many: of this table or of none, from its first record on', async () => {
    const folder = await trailOf(holes);
    const { exit, stdout } = await show(folder, ...ofTable);
    expect(exit).toBe(0);
    expect(stdout).toMatch(LINE);
    expect(stdout).toContain(`! 4 gap records in this time (rowseal show ${folder} --action gap)`);
    expect(stdout.match(/^2026/gm)).toHaveLength(1);
  });

  it('in --json tells it on stderr, so that the bytes stay the records’', async () => {
    const { stdout, stderr } = await show(await trailOf(holes), ...ofTable, '--json');
    expect(stdout).toBe(`${change(1, 1)}\n`);
    expect(stderr).toContain('! 4 gap records');
  });

  it('counts all where nothing is shown, those from --from on, and none where gaps are asked for', async () => {
    const folder = await trailOf(holes);
    const none = await show(folder, '--table', 'orders', '--key', '43');
    expect(none.stdout).toBe('');
    expect(none.stderr).toMatch(/^No record matches[\s\S]*^! 5 gap records in this time/m);
    const late = await show(folder, '--table', 'orders', '--from', '2026-11-22', '--to', '2026-11-23');
    expect(late.stderr).toMatch(/^! 1 gap record in this time/m);
    const asked = await show(folder, '--action', 'gap');
    expect(asked.stdout + asked.stderr).not.toContain('changes may be missing');
    expect(
      (await show(await trailOf([{ records: { trail: [genesis()], default: [change(1, 1)] } }]), ...ofTable))
        .stdout,
    ).not.toContain('!');
  });
});

describe('records of any shape, signed by a liar', () => {
  const odd: unknown[] = [null, 1, 'x', [], [null], { valueOf: 1, toString: 1 }, { toJSON: 1 }];
  const honest = JSON.parse(change(2, 1)) as Record<string, unknown>;
  const members = [
    ...Object.keys(honest),
    'columns',
    'details',
    'created_at',
    'tag',
    'statement',
    'encoded',
    'connection',
  ];
  const inside = [
    'target.schema',
    'target.table',
    'target.key',
    'target.identity',
    'target.type',
    'actor.id',
  ];
  const kinds = ['change', 'ddl', 'gap', 'relation', 'lifecycle'];
  const spoiled = [
    ...odd,
    ...kinds.flatMap((kind) =>
      odd.flatMap((value) => [
        ...members.map((name) => ({ ...honest, kind, [name]: value })),
        ...inside.map((path) => {
          const [name, member] = path.split('.') as [string, string];
          return { ...honest, kind, [name]: { ...(honest[name] as object), [member]: value } };
        }),
        { ...honest, kind, patch: [value, { op: 'replace', path: value }, { op: value, path: '', value }] },
        { ...honest, kind, columns: [{ name: value }] },
        { ...honest, kind, transaction: { number: value, index: value } },
      ]),
    ),
  ].map((record) => JSON.stringify(record));
  const { table } = honest['target'] as { table: string };

  it.each([
    [],
    ['--ids'],
    ['--table', table, '--key', '1'],
    ['--table', table, '--from', '2026'],
    ['--table', table, '--ddl'],
    ['--table', 'nowhere'],
    ['--json'],
    ['--action', 'gap'],
  ])('are shown as they are, or named, and never end in a defect (%s %s %s %s)', async (...argv) => {
    const args: string[] = argv.filter((each) => each !== undefined);
    const folder = await trailOf([{ records: { trail: [genesis()], default: [change(1, 1), ...spoiled] } }]);
    const result = await show(folder, ...args).catch((error: unknown) => error);
    if (args.includes('nowhere')) expect(result).toMatchObject({ code: 'usage' });
    else expect(result).toMatchObject({ exit: expect.any(Number), stdout: expect.stringMatching(/./) });
    if (args.length === 0)
      expect(result).toMatchObject({ exit: 1, stderr: expect.stringContaining('no object') });
  });

  it('one long name does not make every other line as long', async () => {
    const long = JSON.stringify({ ...honest, actor: { type: 'user', id: 'x'.repeat(100_000) } });
    const records = [long, ...Array.from({ length: 50 }, (_, i) => change(i + 3, 1))];
    const { stdout } = await show(await trailOf([{ records: { trail: [genesis()], default: records } }]));
    expect(stdout.length).toBeLessThan(120_000);
  });
});
