/**
 * The tables that the workloads of the truth and crash tests write to on MySQL and MariaDB: every type, many character
 * sets, tables without keys, generated and invisible columns, odd names, redacted and unmatched ones; and the logins.
 */
import { readFile } from 'node:fs/promises';
import type { Connection } from 'mysql2/promise';
import type { MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import { statementsOf } from '../../src/source/mysql/kit/script.ts';
import { identifier, ON_UPDATE, type Shadow } from './mysql-shadow.ts';
import { GENERATORS, kindsOf, type ValueKind } from './mysql-workload-values.ts';

export interface WorkloadTable {
  readonly schema: string;
  readonly name: string;
  /** Columns that random values are made for. */
  readonly columns: readonly (readonly [name: string, kind: ValueKind])[];
  /** Key that the workload makes itself: its columns, and the values of a new row. */
  readonly key?: { readonly columns: string; readonly of: (serial: number) => string };
  /** SET clause that changes the key. */
  readonly keyChange?: string;
  readonly keyless?: boolean;
  /** Has our context triggers. */
  readonly attached: boolean;
  readonly weight: number;
}

/** What every session knows of the tables at the moment; DDL changes it. */
export interface Catalogue {
  tables: WorkloadTable[];
  serial: number;
  readonly flavor: MysqlFlavor;
  readonly kinds: readonly ValueKind[];
  /** The server gives its transactions GTIDs. */
  readonly gtids: boolean;
  /** Tables that DDL is about: nobody else writes to them. */
  readonly blocked: Set<WorkloadTable['name']>;
  /** Statements that are under way, by table. */
  readonly writing: Map<WorkloadTable['name'], number>;
}

export const DATABASE = 'test';
export const LOGINS = ['app_a', 'app_b', 'cron_job'] as const;
export const PASSWORD = 'workload';

/** Spread over several tables: a row of InnoDB holds about 8,000 bytes in its page. */
function everything(kinds: readonly ValueKind[], part: number): [string, ValueKind][] {
  return kinds.filter((_, i) => i % 2 === part).map((kind) => [`c_${kind.toLowerCase()}`, kind]);
}

function tablesOf(kinds: readonly ValueKind[]): WorkloadTable[] {
  const table = (one: Omit<WorkloadTable, 'schema'>) => ({ schema: DATABASE, ...one });
  return [
    table({
      name: 'everything',
      columns: everything(kinds, 0),
      keyChange: 'id = id + 1000000',
      attached: true,
      weight: 4,
    }),
    table({
      name: 'more',
      columns: everything(kinds, 1),
      keyChange: 'id = id + 1000000',
      attached: false,
      weight: 4,
    }),
    table({
      name: 'stock',
      columns: [
        ['n', 'integer'],
        ['price', 'amount'],
        ['doc', 'json'],
        ['big', 'big'],
        ['at', 'timestamp6'],
      ],
      key: { columns: 'id, part', of: (serial) => `${serial}, 'part ''${serial % 3}'` },
      keyChange: "id = id + 100000, part = concat(part, '+')",
      attached: false,
      weight: 6,
    }),
    table({
      name: 'coded',
      columns: [
        ['n', 'integer'],
        ['note', 'varchar'],
        ['raw', 'json'],
        ['body', 'text'],
      ],
      key: { columns: 'code', of: (serial) => `'code-${serial}'` },
      keyChange: "code = concat(code, '+')",
      attached: true,
      weight: 4,
    }),
    table({
      name: 'documents',
      columns: [
        ['n', 'integer'],
        ['doc', 'json'],
        ['other', 'json'],
      ],
      attached: true,
      weight: 5,
    }),
    table({
      name: 'journal',
      columns: [
        ['n', 'integer'],
        ['line', 'text'],
        ['at', 'datetime6'],
        ['f', 'double'],
      ],
      keyless: true,
      attached: false,
      weight: 3,
    }),
    table({
      name: 'Odd ~/ "näme"',
      columns: [
        ['a/b', 'varchar'],
        ['c~d', 'json'],
        ['é \\ü', 'integer'],
        ['quo"te', 'text'],
      ],
      attached: false,
      weight: 2,
    }),
    table({
      name: 'secret',
      columns: [
        ['card', 'varchar'],
        ['email', 'latin1'],
        ['score', 'integer'],
        ['notes', 'text'],
        ['open', 'varchar'],
        ['doc', 'json'],
      ],
      keyChange: 'id = id + 1000000',
      attached: true,
      weight: 3,
    }),
    table({
      name: 'generated',
      columns: [
        ['n', 'integer'],
        ['t', 'varchar'],
        ['hidden', 'integer'],
      ],
      attached: false,
      weight: 2,
    }),
    {
      schema: 'other',
      name: 'unmatched',
      columns: [
        ['n', 'integer'],
        ['t', 'text'],
      ],
      attached: false,
      weight: 1,
    },
  ];
}

const KEYS: Readonly<Record<string, string>> = {
  stock: 'id BIGINT NOT NULL, part VARCHAR(60) NOT NULL, PRIMARY KEY (part, id), UNIQUE KEY by_n (n, id)',
  coded: 'id BIGINT AUTO_INCREMENT UNIQUE, code VARCHAR(100) CHARACTER SET latin1 NOT NULL PRIMARY KEY',
  journal: 'KEY by_n (n)',
  generated: `id BIGINT AUTO_INCREMENT PRIMARY KEY, doubled BIGINT AS (n * 2) STORED, tripled BIGINT AS (n * 3) VIRTUAL,
     ${ON_UPDATE} TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)`,
};

const columnSql = (name: string, kind: ValueKind) => `${identifier(name)} ${GENERATORS[kind].type} NULL`;

/** Everything on an empty server: the SQL kit, logins, tables, our triggers, and those of the shadow log. */
export async function installSchema(
  admin: Connection,
  flavor: MysqlFlavor,
  version: string,
  shadow: Shadow,
): Promise<Catalogue> {
  for (const file of ['01-kit.sql', '01-table-blackhole.sql', '02-capture-user.sql']) {
    const script = await readFile(new URL(`../../sql/mysql/${file}`, import.meta.url), 'utf8');
    for (const statement of statementsOf(script)) await admin.query(statement);
  }
  await admin.query(`ALTER USER 'rowseal'@'%' IDENTIFIED BY '${PASSWORD}'`);
  await admin.query(`ALTER USER 'rowseal'@'%' ACCOUNT UNLOCK`);
  await admin.query("SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'");
  await admin.query('CREATE DATABASE other CHARACTER SET utf8mb4');
  await admin.query('GRANT REFERENCES ON `test`.* TO `rowseal`@`%`');
  for (const login of LOGINS) {
    await admin.query(`CREATE USER '${login}'@'%' IDENTIFIED BY '${PASSWORD}'`);
    await admin.query(`GRANT EXECUTE ON PROCEDURE rowseal.set_context TO '${login}'@'%'`);
    for (const database of [DATABASE, 'other'])
      await admin.query(`GRANT ALL ON ${database}.* TO '${login}'@'%'`);
    if (flavor === 'mysql')
      await admin.query(
        `GRANT SESSION_VARIABLES_ADMIN, TRANSACTION_GTID_TAG, XA_RECOVER_ADMIN ON *.* TO '${login}'@'%'`,
      );
  }
  const [modes] = await admin.query("SHOW GLOBAL VARIABLES LIKE 'gtid_mode'");
  const gtids = (modes as { Value: string }[])[0]?.Value !== 'OFF';
  const kinds = kindsOf(flavor, version);
  const tables = tablesOf(kinds);
  for (const table of tables) {
    const invisible = (name: string) => (name === 'hidden' ? ' INVISIBLE' : '');
    const columns = table.columns.map(([name, kind]) => `${columnSql(name, kind)}${invisible(name)}`);
    columns.push(KEYS[table.name] ?? 'id BIGINT AUTO_INCREMENT PRIMARY KEY');
    await admin.query(`CREATE TABLE ${nameOf(table)} (${columns.join(', ')}) ENGINE=InnoDB`);
    if (table.attached) await attach(admin, table);
    await shadow.watch(admin, table.schema, table.name, table.attached);
  }
  return { tables, serial: 1, flavor, kinds, gtids, blocked: new Set(), writing: new Map() };
}

export function nameOf({ schema, name }: Pick<WorkloadTable, 'schema' | 'name'>): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** As sql/mysql/03-tables.sql shows it. */
export async function attach(
  admin: Connection,
  table: Pick<WorkloadTable, 'schema' | 'name'>,
): Promise<void> {
  await admin.query(`GRANT TRIGGER ON ${nameOf(table)} TO rowseal_owner@localhost`);
  for (const [letter, event] of [
    ['i', 'INSERT'],
    ['u', 'UPDATE'],
    ['d', 'DELETE'],
  ]) {
    await admin.query(
      `CREATE DEFINER = rowseal_owner@localhost TRIGGER ${identifier(table.schema)}.${identifier(`rowseal_${letter}_${table.name}`)}
         AFTER ${event} ON ${nameOf(table)} FOR EACH ROW
         IF NOT (@rowseal_statement <=> NOW(6)) THEN CALL rowseal.emit_session(); END IF`,
    );
  }
}

/** What the configuration of a workload's trail says of tables and actors. */
export const TABLE_RULES = [
  { match: 'test.*' },
  {
    match: 'test.secret',
    class: 'financial',
    columns: { card: 'mask', email: 'hmac', score: 'hmac', notes: 'drop', doc: 'mask' },
  },
] as const;

export const ACTOR_RULES = [{ login: 'cron_*', actor: { type: 'system', id: 'cron' } }] as const;

/** A value longer than this is recorded as its digest. */
export const MAX_VALUE_BYTES = 12_288;
