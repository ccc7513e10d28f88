/**
 * What the vector of level 2 tells of rows, witnesses and logs, worked out from its bytes by FORMAT.md with nothing of src:
 * the roots of its runs are those of its rows, `before` is that of the row before, and the cosigner signed the seal. And
 * that it holds at least one of everything that level 2 brings.
 */
import { createPublicKey, hash, verify as verifySignature } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonical, type Exact, type ExactNumber, type ExactObject } from '../../test/support/exact-json.ts';
import { given } from '../../test/support/render-vectors.ts';
import type { Loose } from '../../test/support/trail-builder.ts';
import { readTrail } from '../../test/support/trail-reader.ts';

const root = new URL('../../test/vectors/', import.meta.url).pathname;
const { records, seals } = readTrail(`${root}trail-2`);
const treesOf = (kind: string): ExactObject[] =>
  records.filter(({ tree }) => tree['kind'] === kind).map(({ tree }) => tree);
const of = (tree: Exact | undefined, ...names: string[]): Exact | undefined =>
  names.reduce<Exact | undefined>((at, name) => (at as ExactObject | undefined)?.[name], tree);

interface Row {
  readonly columns: ExactObject;
  readonly encoded: Readonly<Record<string, string>>;
}

/** The row in this member of a record, with what `encoded` says of it. */
function rowAt(record: ExactObject, pointer: string): Row {
  const columns = of(record, ...pointer.slice(1).split('/')) as ExactObject;
  const said = Object.entries((record['encoded'] ?? {}) as Record<string, string>);
  const own = said.filter(([at]) => at.startsWith(`${pointer}/`));
  return {
    columns,
    encoded: Object.fromEntries(own.map(([at, kind]) => [at.slice(pointer.length + 1), kind])),
  };
}

/** Row text or key text of these columns. */
function textOf({ columns, encoded }: Row, names: readonly string[]): string {
  const kinds = Object.fromEntries(
    names.filter((name) => name in encoded).map((name) => [name, encoded[name]!]),
  );
  const values = Object.fromEntries(
    names.map((name) => {
      const value = columns[name]!;
      return [name, kinds[name] === 'sealed' ? (value as string).split('.').slice(0, 2).join('.') : value];
    }),
  );
  return canonical(values) + (Object.keys(kinds).length === 0 ? '' : `\n${canonical(kinds)}`);
}

const sha256 = (...parts: (Uint8Array | string)[]): Buffer =>
  hash('sha256', Buffer.concat(parts.map((part) => Buffer.from(part))), 'buffer');
const rowText = (row: Row): string => textOf(row, Object.keys(row.columns));

function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length < 2) return leaves[0] ?? sha256('');
  const left = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)));
}

/** One side of a comparison, of rows whose key is `id`. */
function sideOf(rows: readonly Row[], salt: string): { rows: string; root: string } {
  const leaves = rows
    .map((row) => Buffer.concat([sha256(textOf(row, ['id'])), sha256(rowText(row))]))
    .sort(Buffer.compare)
    .map((entry) => sha256(Buffer.of(0), Buffer.from(salt, 'base64'), entry));
  return { rows: String(rows.length), root: rootOf(leaves).toString('base64') };
}

describe('a run of trail-2', () => {
  const baselines = treesOf('baseline');
  const found = baselines.flatMap((chunk) =>
    (chunk['rows'] as Exact[]).map((_, i) => rowAt(chunk, `/rows/${i}`)),
  );
  const differences = (run: string) => treesOf('difference').filter((each) => each['run'] === run);
  const reconcile = (run: string) => treesOf('reconcile').find((each) => each['run'] === run)!;
  const saltOf = (run: string): string => {
    const [first] = baselines.filter((each) => each['run'] === run);
    return (first ?? differences(run).find((each) => each['how'] === 'salt')!)['salt'] as string;
  };
  const side = (run: string, name: string) => {
    const { rows, root: said } = reconcile(run)[name] as ExactObject;
    return { rows: (rows as ExactNumber).text, root: said };
  };
  /** The table at that run: the trail's rows, with what the run found. */
  const tableAt = (run: string): Row[] => {
    const rows = new Map(found.map((row) => [row.columns['id'], row]));
    for (const each of differences(run)) {
      const id = of(each, 'target', 'key', 'id');
      if (each['how'] === 'differs') {
        const row = rows.get(id)!;
        rows.set(id, { ...row, columns: { ...row.columns, ...(each['table'] as ExactObject) } });
      }
      if (each['how'] === 'only_in_trail') rows.delete(id);
      if (each['how'] === 'only_in_table') rows.set(id, rowAt(each, '/table'));
    }
    return [...rows.values()];
  };

  it.each(['r1', 'r2', 'r3'])('%s has the roots of its rows', (run) => {
    expect(side(run, 'table')).toEqual(sideOf(tableAt(run), saltOf(run)));
    if (run !== 'r1') expect(side(run, 'trail')).toEqual(sideOf(found, saltOf(run)));
  });

  it('may leave rows out, and then has the root of the trail’s', () => {
    expect(side('r4', 'trail')).toEqual(sideOf(found, saltOf('r4')));
    expect(side('r4', 'table')).not.toEqual(sideOf(tableAt('r4'), saltOf('r4')));
  });
});

it('`before` in both trails is that of the row before', () => {
  for (const vector of ['trail-2', 'trail-1-2']) {
    const rows = new Map<string, ExactObject>();
    let seen = 0;
    for (const { tree } of readTrail(root + vector).records) {
      const id = of(tree, 'target', 'key', 'id');
      if (tree['kind'] !== 'change' || typeof id !== 'string') continue;
      const name = `${of(tree, 'target', 'table')} ${id}`;
      if (tree['action'] === 'insert') rows.set(name, of(tree, 'patch', '0', 'value') as ExactObject);
      if (tree['action'] !== 'update') continue;
      const columns = rows.get(name)!;
      const digest = sha256(rowText({ columns, encoded: {} })).subarray(0, 16);
      expect(tree['before'], tree['id'] as string).toBe(digest.toString('base64'));
      seen += 1;
      const replaced = (tree['patch'] as ExactObject[]).filter(({ op }) => op === 'replace');
      rows.set(name, {
        ...columns,
        ...Object.fromEntries(replaced.map(({ path, value }) => [(path as string).slice(1), value!])),
      });
    }
    expect(seen, vector).toBeGreaterThan(0);
  }
});

it('the witness cosigned the seal, and the token is over the same checkpoint', () => {
  const files = new Map(given('trail-2'));
  const [path, note] = [...files].find(([name]) => name.startsWith('cosignatures/'))!;
  const seal = path.split('/')[1]!;
  const file = files.get(`seals/${seal}`)!.toString();
  const checkpoint = file.slice(file.indexOf('\n\n') + 2).split('\n\n')[0]!;
  const text = `${checkpoint}\n`;
  expect(note.toString().startsWith(text)).toBe(true);
  const [name, id, encoded] = files.get('witness.vkey')!.toString().trim().split('+') as [
    string,
    string,
    string,
  ];
  const typed = Buffer.from(encoded, 'base64');
  expect(typed[0]).toBe(4);
  expect(sha256(`${name}\n`, typed).toString('hex').slice(0, 8)).toBe(id);
  expect(path).toBe(`cosignatures/${seal}/${id}`);
  const line = note
    .toString()
    .split('\n')
    .find((each) => each.startsWith(`— ${name} `))!;
  const payload = Buffer.from(line.split(' ')[2]!, 'base64');
  const signed = `cosignature/v1\ntime ${payload.readBigUInt64BE(4)}\n${text}`;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: typed.subarray(1).toString('base64url') };
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  expect(verifySignature(null, Buffer.from(signed), key, payload.subarray(12))).toBe(true);
  const token = files.get([...files.keys()].find((each) => each.startsWith(`timestamps/${seal}/`))!)!;
  expect(token.includes(sha256(text))).toBe(true);
});

describe('trail-2 holds', () => {
  const linesOf = (trail: { records: readonly { line: string }[] }) =>
    trail.records.map(({ line }) => JSON.parse(line) as Loose);
  const lines = linesOf({ records });
  const words = (pick: (record: Loose) => unknown, of = lines): unknown[] =>
    [...new Set(of.flatMap((record) => pick(record) ?? []))].sort();
  const every: [string, unknown[], string][] = [
    [
      'kinds',
      words(({ kind }) => kind),
      'access acknowledged auth baseline change ddl difference gap genesis key lifecycle reconcile relation tamper',
    ],
    [
      'effects, with trail-1-2',
      words(
        ({ targets }) => targets?.flatMap((target: Loose) => target['effects']),
        [...lines, ...linesOf(readTrail(`${root}trail-1-2`))],
      ),
      'columns creates drops empties none renames replaces rights unknown',
    ],
    ['ways to differ', words(({ how }) => how), 'differs more only_in_table only_in_trail salt'],
    [
      'outcomes of sessions',
      words(({ kind, outcome }) => (kind === 'auth' ? outcome : [])),
      'denied failure success',
    ],
    [
      'outcomes of runs',
      words(({ kind, outcome }) => (kind === 'reconcile' ? outcome : [])),
      'different equal incomplete',
    ],
    ['kinds of encoding', words(({ encoded }) => Object.values(encoded ?? {})), 'hmac json sealed'],
    [
      'tiers and types that are new',
      words(({ actor, attribution }) =>
        [actor?.type, attribution?.tier].filter((each) => ['agent', 'logged'].includes(each)),
      ),
      'agent logged',
    ],
    [
      'members of a change that are new',
      words(({ kind, ...more }) =>
        kind === 'change' ? Object.keys(more).filter((name) => ['before', 'salt'].includes(name)) : [],
      ),
      'before salt',
    ],
    [
      'members of a target',
      words(({ targets }) => targets?.flatMap((target: Loose) => Object.keys(target))),
      'becomes columns effects kind name oid schema table',
    ],
    [
      'members of a source',
      [...new Set(seals.flatMap(({ source }) => Object.keys(source)))].sort(),
      'clock from incarnation level log partial state stream through transactions witness',
    ],
    [
      'members of a state',
      [...new Set(seals.flatMap(({ source }) => Object.keys((source as Loose)['state'])))].sort(),
      'capture open policy',
    ],
    [
      'reasons of a seal',
      [...new Set(seals.map(({ reason }) => reason))].sort(),
      'age count gap idle rotate size start stop',
    ],
  ];
  it.each(every)('all %s', (_what, held, expected) => {
    expect(held.join(' ')).toBe(expected);
  });
});
