/** The single statements of the workload, made at random for the tables as they are at the moment. */
import type { Random } from './random.ts';
import type { Catalogue, WorkloadTable } from './workload-schema.ts';
import { literalOf } from './workload-values.ts';

export interface Statement {
  readonly sql: string;
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  /** Whether the table that it names has our context triggers. */
  readonly attached: boolean;
}

const ATTACHED = new Set([
  'public.everything',
  'public.coded',
  'public.part',
  'public.secret',
  'public.parent',
]);

const KEY_CHANGES: Readonly<Record<string, string>> = {
  'public.everything': 'id = id + 1000000',
  'public.stock': "id = id + 100000, part = part || '+'",
  'public.coded': "code = code || '+'",
  'public.part': 'region = (region + 7) % 30',
  'public.secret': 'id = id + 1000000',
  'public.parent': 'id = id + 1000000',
};

const TRUNCATES: readonly (readonly [sql: string, attached: boolean])[] = [
  ['truncate public.journal restart identity', false],
  ['truncate public.secret', true],
  ['truncate public.stock, public.coded', true],
  ['truncate public.parent cascade', true],
  ['truncate public.part', true],
  ['truncate public.part_low', true],
];

export function nextStatement(random: Random, catalogue: Catalogue): Statement {
  const table = pickTable(random, catalogue);
  const attached = ATTACHED.has(table.name) || table.attached === true;
  const dice = random.next();
  if (dice < 0.015) {
    const [sql, spoken] = random.pick(TRUNCATES);
    return { sql, op: 'truncate', attached: spoken };
  }
  if (dice < 0.4 || (table.insertOnly === true && dice < 0.95)) {
    return { sql: insertOf(table, random, catalogue), op: 'insert', attached };
  }
  if (table.insertOnly === true || dice < 0.43) return moving(random);
  if (dice < 0.85) return { sql: updateOf(table, random), op: 'update', attached };
  if (dice < 0.9 && table.name === 'public.stock') return upsert(random, catalogue);
  return { sql: `delete from ${table.name} where ${some(table, random, 3)}`, op: 'delete', attached };
}

function pickTable(random: Random, { tables }: Catalogue): WorkloadTable {
  let at = random.below(tables.reduce((sum, { weight }) => sum + weight, 0));
  for (const table of tables) {
    at -= table.weight;
    if (at < 0) return table;
  }
  return tables[0] as WorkloadTable;
}

const NEW_KEYS: Readonly<Record<string, string>> = {
  'public.stock': 'id, part',
  'public.coded': 'code',
  'public.part': 'region',
  'public.child': 'parent',
};

function insertOf(table: WorkloadTable, random: Random, catalogue: Catalogue): string {
  const key = table.newKey === undefined ? '' : `${NEW_KEYS[table.name]}, `;
  const names = key + table.columns.map(([name]) => name).join(', ');
  const row = () => {
    const own = table.newKey === undefined ? '' : `${table.newKey(catalogue.serial++)}, `;
    return own + table.columns.map(([, kind]) => literalOf(kind, random)).join(', ');
  };
  // Bulk, where a sequence gives the key.
  if (table.newKey === undefined && random.chance(0.12)) {
    return `insert into ${table.name} (${names}) select ${row()} from generate_series(1, ${2 + random.below(random.chance(0.2) ? 200 : 40)})`;
  }
  const rows = Array.from({ length: 1 + random.below(3) }, () => `(${row()})`);
  return `insert into ${table.name} (${names}) values ${rows.join(', ')}`;
}

function updateOf(table: WorkloadTable, random: Random): string {
  const where = some(table, random, table.name === 'public.parent' ? 1 : 6);
  const change = KEY_CHANGES[table.name];
  if (change !== undefined && random.chance(0.2)) return `update ${table.name} set ${change} where ${where}`;
  const numbers = table.columns.filter(([, kind]) => kind === 'integer');
  const documents = table.columns.filter(([, kind]) => kind === 'jsonb');
  if (documents.length > 0 && random.chance(0.35)) {
    const [name] = random.pick(documents);
    return `update ${table.name} set ${name} = ${jsonChange(name, random)} where ${where}`;
  }
  if (numbers.length > 0 && random.chance(0.4)) {
    const [name] = random.pick(numbers);
    const next = random.chance(0.3) ? name : `coalesce(${name}, 0) % 1000 + 1`;
    return `update ${table.name} set ${name} = ${next} where ${where}`;
  }
  const chosen = Array.from({ length: 1 + random.below(3) }, () => random.pick(table.columns));
  const settings = [...new Map(chosen)].map(([name, kind]) => `${name} = ${literalOf(kind, random)}`);
  return `update ${table.name} set ${settings.join(', ')} where ${where}`;
}

function jsonChange(name: string, random: Random): string {
  const object = `case when jsonb_typeof(${name}) = 'object' then ${name} else '{"list": [1, 2, 3]}' end`;
  return random.pick([
    `${object} || '{"a": ${random.below(10)}}'`,
    `${object} - 'a'`,
    `jsonb_set(${object}, '{m~n}', '{"deep": [1, {"x": ${random.below(9)}.10}, null]}')`,
    `jsonb_set(${object}, '{list,1}', '12345678901234567891')`,
    `jsonb_insert(${object}, '{list,0}', '"in front"')`,
    `jsonb_set(${object}, '{a/b}', 'null')`,
    `jsonb_build_array(${name}, ${name})`,
  ]);
}

/** Rows by their place, whatever they hold. Cascades go row by row: one at a time keeps their order plain. */
function some(table: WorkloadTable, random: Random, most: number): string {
  const limit = table.name === 'public.parent' ? 1 : 1 + random.below(most);
  const offset = random.below(12);
  return `ctid = any (array(select ctid from ${table.name} order by ctid limit ${limit} offset ${offset}))`;
}

function upsert(random: Random, catalogue: Catalogue): Statement {
  const serial = Math.max(1, catalogue.serial - random.below(40));
  const key = `${serial}, 'part ''${serial % 3}'`;
  const sql =
    catalogue.major >= 15 && random.chance(0.5)
      ? `merge into public.stock s using (values (${key})) v(id, part) on s.id = v.id and s.part = v.part
         when matched then update set n = 7 when not matched then insert (id, part, n) values (v.id, v.part, 8)`
      : `insert into public.stock (id, part, n) values (${key}, 1)
         on conflict (part, id) do update set n = excluded.n + 1, price = stock.price`;
  return { sql, op: 'insert', attached: false };
}

/** One statement that changes two tables. */
function moving(random: Random): Statement {
  const sql = `with gone as (delete from public.coded where ctid = any (array(
      select ctid from public.coded order by ctid limit ${1 + random.below(3)})) returning note)
    insert into public.journal (line) select note from gone`;
  return { sql, op: 'delete', attached: true };
}
