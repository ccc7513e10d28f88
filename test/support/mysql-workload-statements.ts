/** The single statements of the workload on MySQL and MariaDB, made at random for the tables as they are at the moment. */
import { identifier } from './mysql-shadow.ts';
import { type Catalogue, nameOf, type WorkloadTable } from './mysql-workload-schema.ts';
import { literalOf } from './mysql-workload-values.ts';
import type { Random } from './random.ts';

export interface Statement {
  readonly sql: string;
  /** Every table that it may write to. */
  readonly tables: readonly WorkloadTable[];
  /** What LOAD DATA LOCAL reads. */
  readonly file?: string;
}

/** Null where every table that could be written to is blocked. */
export function nextStatement(random: Random, catalogue: Catalogue): Statement | null {
  const table = pickTable(random, catalogue);
  if (table === null) return null;
  const dice = random.next();
  const free = (name: string) =>
    catalogue.tables.find((each) => each.name === name && !catalogue.blocked.has(name));
  if (dice < 0.03) return loading(random, free('journal'));
  if (dice < 0.06) return moving(random, free('coded'), free('journal'));
  if (dice < 0.1) return joined(random, free('stock'), free('documents'));
  if (dice < 0.14 && table.key !== undefined) return replacing(table, random, catalogue);
  if (dice < 0.2 && table.name === 'stock') return upsert(table, random, catalogue);
  const tables = [table];
  if (dice < 0.45) return { sql: insertOf(table, random, catalogue), tables };
  if (dice < 0.88) return { sql: updateOf(table, random, catalogue), tables };
  return { sql: `DELETE FROM ${nameOf(table)} WHERE ${some(table, random, 3)}`, tables };
}

function pickTable(random: Random, { tables, blocked }: Catalogue): WorkloadTable | null {
  const free = tables.filter(({ name }) => !blocked.has(name));
  let at = random.below(free.reduce((sum, { weight }) => sum + weight, 0));
  for (const table of free) {
    at -= table.weight;
    if (at < 0) return table;
  }
  return free[0] ?? null;
}

function rowOf(table: WorkloadTable, random: Random, catalogue: Catalogue): string {
  const key = table.key === undefined ? '' : `${table.key.of(catalogue.serial++)}, `;
  return key + table.columns.map(([, kind]) => literalOf(kind, random)).join(', ');
}

function namesOf(table: WorkloadTable): string {
  const key = table.key === undefined ? '' : `${table.key.columns}, `;
  return key + table.columns.map(([name]) => identifier(name)).join(', ');
}

function insertOf(table: WorkloadTable, random: Random, catalogue: Catalogue): string {
  const into = `INTO ${nameOf(table)} (${namesOf(table)})`;
  if (table.key === undefined && random.chance(0.15)) {
    // Bulk: as many copies as a recursive list has numbers.
    const many = 2 + random.below(random.chance(0.2) ? 150 : 30);
    return `INSERT ${into} WITH RECURSIVE list (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM list WHERE i < ${many})
      SELECT ${rowOf(table, random, catalogue)} FROM list`;
  }
  const rows = Array.from({ length: 1 + random.below(3) }, () => `(${rowOf(table, random, catalogue)})`);
  return `INSERT ${random.chance(0.3) ? 'IGNORE ' : ''}${into} VALUES ${rows.join(', ')}`;
}

function updateOf(table: WorkloadTable, random: Random, { flavor }: Catalogue): string {
  const where = some(table, random, 6);
  const set = (what: string) => `UPDATE ${nameOf(table)} SET ${what} WHERE ${where}`;
  if (table.keyChange !== undefined && random.chance(0.15)) return set(table.keyChange);
  const documents = table.columns.filter(([, kind]) => kind === 'json');
  if (documents.length > 0 && random.chance(0.5)) {
    const changes = documents.slice(0, 1 + random.below(2));
    return set(
      changes
        .map(([name]) => `${identifier(name)} = ${jsonChange(identifier(name), random, flavor === 'mysql')}`)
        .join(', '),
    );
  }
  const numbers = table.columns.filter(([, kind]) => kind === 'integer');
  if (numbers.length > 0 && random.chance(0.4)) {
    const name = identifier(random.pick(numbers)[0]);
    return set(`${name} = ${random.chance(0.3) ? name : `COALESCE(${name}, 0) % 1000 + 1`}`);
  }
  if (table.columns.length === 0) return set('id = id');
  const chosen = Array.from({ length: 1 + random.below(3) }, () => random.pick(table.columns));
  return set(
    [...new Map(chosen)].map(([name, kind]) => `${identifier(name)} = ${literalOf(kind, random)}`).join(', '),
  );
}

/** Some of these change the document in its place, which MySQL can log as partial JSON. */
function jsonChange(name: string, random: Random, mysql: boolean): string {
  const object = `IF(JSON_TYPE(${name}) = 'OBJECT', ${name}, '{"list": [1, 2, 3], "a": 10, "deep": {"x": "long enough"}}')`;
  const inPlace = [
    `JSON_SET(${name}, '$.a', ${random.below(100)})`,
    `JSON_REPLACE(${name}, '$.list[1]', ${random.below(100)}, '$.a', 'v${random.below(10)}')`,
    `JSON_SET(${name}, '$.deep.x', ${random.pick(["'s'", '1.5', 'TRUE', 'NULL'])})`,
    `JSON_REMOVE(${name}, '$.a')`,
    `JSON_REMOVE(${name}, '$.list[0]')`,
  ];
  const anew = [
    `JSON_SET(${object}, '$."m~n"', CAST('{"deep": [1, {"x": ${random.below(9)}.10}, null]}' AS ${mysql ? 'JSON' : 'CHAR'}))`,
    `JSON_ARRAY_INSERT(${object}, '$.list[0]', 'in front')`,
    `JSON_SET(${object}, '$."a/b"', 12345678901234567891, '$.é', '${'y'.repeat(random.below(80))}')`,
    `JSON_ARRAY(${random.below(9)}, 'x')`,
    `'{"list": [1, 2, 3], "a": 10, "deep": {"x": "long enough"}, "pad": "${'p'.repeat(200)}"}'`,
  ];
  return random.pick(random.chance(0.6) ? inPlace : anew);
}

/** Rows by their place; of a table without a key, the first that fit. */
function some(table: WorkloadTable, random: Random, most: number): string {
  if (table.keyless === true)
    return `n >= ${random.below(900_000)} ORDER BY n LIMIT ${1 + random.below(most)}`;
  const by = table.key?.columns ?? 'id';
  const first = by.split(',')[0] as string;
  return `${first} IN (SELECT ${first} FROM (SELECT ${first} FROM ${nameOf(table)} ORDER BY ${by} LIMIT ${random.below(12)}, ${1 + random.below(most)}) AS chosen)`;
}

function replacing(table: WorkloadTable, random: Random, catalogue: Catalogue): Statement {
  const key = table.key as NonNullable<WorkloadTable['key']>;
  const serial = Math.max(1, catalogue.serial - random.below(40));
  const values = table.columns.map(([, kind]) => literalOf(kind, random)).join(', ');
  return {
    sql: `REPLACE INTO ${nameOf(table)} (${namesOf(table)}) VALUES (${key.of(serial)}, ${values})`,
    tables: [table],
  };
}

function upsert(table: WorkloadTable, random: Random, catalogue: Catalogue): Statement {
  const key = table.key as NonNullable<WorkloadTable['key']>;
  const serial = Math.max(1, catalogue.serial - random.below(40));
  const sql = `INSERT INTO ${nameOf(table)} (${key.columns}, n) VALUES (${key.of(serial)}, 1), (${key.of(catalogue.serial++)}, 2)
    ON DUPLICATE KEY UPDATE n = COALESCE(n, 0) % 1000 + 1, price = price`;
  return { sql, tables: [table] };
}

/** INSERT … SELECT from another table. */
function moving(
  random: Random,
  from: WorkloadTable | undefined,
  into: WorkloadTable | undefined,
): Statement | null {
  if (from === undefined || into === undefined) return null;
  const sql = `INSERT INTO ${nameOf(into)} (n, line) SELECT n, CONCAT(code, ' ', COALESCE(note, '')) FROM ${nameOf(from)}
    ORDER BY code LIMIT ${1 + random.below(8)}`;
  return { sql, tables: [into] };
}

/** One statement that changes, or deletes from, two tables. */
function joined(
  random: Random,
  one: WorkloadTable | undefined,
  other: WorkloadTable | undefined,
): Statement | null {
  if (one === undefined || other === undefined) return null;
  const on = `${nameOf(one)} AS s JOIN ${nameOf(other)} AS d ON s.n = d.n`;
  const sql = random.chance(0.8)
    ? `UPDATE ${on} SET s.n = s.n + 1, d.n = d.n + 1 WHERE d.id % 5 = ${random.below(5)}`
    : `DELETE s, d FROM ${on} WHERE d.id % 9 = ${random.below(9)}`;
  return { sql, tables: [one, other] };
}

function loading(random: Random, table: WorkloadTable | undefined): Statement | null {
  if (table === undefined) return null;
  const lines = Array.from(
    { length: 1 + random.below(12) },
    (_, i) => `${i}\tline é ${random.below(1e6)}\t2026-01-01 00:00:0${i % 10}\n`,
  );
  const sql = `LOAD DATA LOCAL INFILE 'lines' INTO TABLE ${nameOf(table)} CHARACTER SET utf8mb4 (n, line, at)`;
  return { sql, tables: [table], file: lines.join('') };
}
