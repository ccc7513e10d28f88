/**
 * The workload's session that alters tables while the others write, and makes new ones. DDL commits by itself here, so a
 * table and its shadow triggers can't change at once: nobody writes to the table in the meantime (`blocked`, `writing`),
 * and after whatever happened, a crash of the server too, its triggers are made anew for the columns that it has.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { identifier, type Shadow } from './mysql-shadow.ts';
import { attach, type Catalogue, DATABASE, nameOf, type WorkloadTable } from './mysql-workload-schema.ts';
import { loginOf } from './mysql-workload-session.ts';
import { GENERATORS, literalOf, quote, type ValueKind } from './mysql-workload-values.ts';
import { persist } from './patience.ts';
import type { Random } from './random.ts';
import { loginActor } from './workload-actors.ts';

export interface DdlOptions {
  readonly connect: () => Promise<Connection>;
  readonly catalogue: Catalogue;
  readonly shadow: Shadow;
  readonly ddl: number;
  readonly random: Random;
  readonly paceMs: number;
  readonly fails: (error: unknown) => void;
}

interface Change {
  /** Null: it is about no table of the catalogue. */
  readonly table: WorkloadTable | null;
  readonly sql: readonly string[];
  /** The table after it; null: it is gone. */
  readonly becomes?: WorkloadTable | null;
}

const ATTRIBUTION = {
  attached: loginActor('root', loginOf('root'), 'trigger'),
  plain: [
    loginActor('root', loginOf('root'), 'performance_schema'),
    { tier: 'none', actor: { type: 'unknown' } },
  ],
};
const EXPECTED = quote(JSON.stringify({ ...ATTRIBUTION, wordless: ATTRIBUTION }));

export function startDdl(options: DdlOptions): { readonly done: Promise<void>; stop(): void } {
  const { catalogue, random, connect, fails } = options;
  let stopped = false;
  /** What a column's values are made of, by its name. */
  const kinds = new Map(
    catalogue.tables.flatMap(({ columns }) => columns.map(([name, kind]) => [name, kind])),
  );

  const run = async () => {
    if (options.ddl === 0) return;
    let client = await connect();
    /** Goes on until it succeeds: without it, what is written to the table would be in no shadow. */
    const insist = (work: () => Promise<void>) => {
      const attempt = async () => {
        try {
          await work();
        } catch (error) {
          fails(error);
          if ((await client.query('DO 1').catch(() => null)) === null) {
            client.destroy();
            client = await connect();
          }
          throw error;
        }
      };
      return persist(attempt, 60_000, 50);
    };
    for (let left = options.ddl; left > 0 && !stopped; left--) {
      await sleep(20 + random.below(60 + 10 * options.paceMs));
      const change = nextChange(random, catalogue, kinds);
      const { table } = change;
      await client.query('SET SESSION lock_wait_timeout = 1').catch(() => undefined);
      if (table !== null) {
        catalogue.blocked.add(table.name);
        while ((catalogue.writing.get(table.name) ?? 0) > 0) await sleep(2);
      }
      let changed = false;
      try {
        if (table !== null) await options.shadow.unwatch(client, table.schema, table.name);
        for (const sql of change.sql) await client.query(sql);
        if (change.becomes?.attached && change.becomes.name === table?.name)
          await attach(client, change.becomes);
        changed = true;
      } catch (error) {
        fails(error);
      }
      if (table === null) continue;
      await insist(() =>
        refresh(
          client,
          options,
          changed && change.becomes !== undefined ? [change.becomes, table] : [table],
          kinds,
        ),
      );
      catalogue.blocked.delete(table.name);
    }
    await client.end().catch(() => undefined);
  };
  return {
    done: run(),
    stop: () => {
      stopped = true;
    },
  };
}

/** Makes the catalogue and the triggers what the table now is: under the first of these names that there is. */
async function refresh(
  client: Connection,
  { catalogue, shadow, random }: DdlOptions,
  candidates: readonly (WorkloadTable | null)[],
  kinds: ReadonlyMap<string, ValueKind>,
): Promise<void> {
  const old = candidates.at(-1) as WorkloadTable;
  let found: WorkloadTable | null = null;
  for (const candidate of candidates) {
    if (candidate === null || found !== null) continue;
    await client.query('SET SESSION lock_wait_timeout = 20');
    const attached = await isAttached(client, candidate);
    const names = await shadow.watch(client, candidate.schema, candidate.name, attached);
    const own = candidate.key?.columns.split(', ') ?? [];
    const made = names.filter((name) => kinds.has(name) && !own.includes(name));
    if (names.length > 0)
      found = { ...candidate, attached, columns: made.map((name) => [name, kinds.get(name) as ValueKind]) };
  }
  catalogue.tables = catalogue.tables.filter(({ name }) => name !== old.name && name !== found?.name);
  if (found === null) return;
  catalogue.tables = [...catalogue.tables, found];
  if (candidates.length > 1 && found.name.startsWith('new_') && random.chance(0.9)) {
    const values = found.columns.map(([, kind]) => literalOf(kind, random)).join(', ');
    const names = found.columns.map(([name]) => identifier(name)).join(', ');
    // A name of its own for each attempt: the one before may have committed.
    await client.query(`SET @shadow_tx = 'T~first-${catalogue.serial++}~', @shadow_expect = ${EXPECTED}`);
    await client.query(`INSERT IGNORE INTO ${nameOf(found)} (${names}) VALUES (${values})`);
  }
}

/** Whether it has all our triggers; where a crash left some of them, it gets rid of these. */
async function isAttached(client: Connection, { schema, name }: WorkloadTable): Promise<boolean> {
  const [rows] = await client.query(
    `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS
      WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND TRIGGER_NAME LIKE 'rowseal%'`,
    [schema, name],
  );
  const triggers = rows as { name: string }[];
  if (triggers.length === 3) return true;
  for (const trigger of triggers)
    await client.query(`DROP TRIGGER ${nameOf({ schema, name: trigger.name })}`);
  return false;
}

const PLACES = ['', ' FIRST', ' AFTER n'];

function nextChange(random: Random, catalogue: Catalogue, kinds: Map<string, ValueKind>): Change {
  const serial = catalogue.serial++;
  const altered = random.pick(
    catalogue.tables.filter(({ name }) =>
      ['stock', 'secret', 'journal', 'documents', 'coded'].includes(name),
    ),
  );
  const added = altered.columns.filter(([name]) => name.startsWith('extra_'));
  const made = catalogue.tables.filter(({ name }) => name.startsWith('new_'));
  const alter = (what: string): Change => ({
    table: altered,
    sql: [`ALTER TABLE ${nameOf(altered)} ${what}`],
  });
  const kindFor = (name: string): ValueKind => {
    const kind = random.pick(catalogue.kinds.filter((each) => each !== 'big'));
    kinds.set(name, kind);
    return kind;
  };
  const name = `extra_${serial}`;
  const dice = random.next();
  if (dice < 0.25) {
    const kind = kindFor(name);
    return alter(`ADD COLUMN ${name} ${GENERATORS[kind].type} NULL${random.pick(PLACES)}`);
  }
  if (dice < 0.35 && added.length > 0) return alter(`DROP COLUMN ${random.pick(added)[0]}`);
  if (dice < 0.45 && added.length > 0) {
    const [from, kind] = random.pick(added);
    kinds.set(name, kind);
    return alter(`RENAME COLUMN ${from} TO ${name}`);
  }
  if (dice < 0.52 && altered.columns.some(([each]) => each === 'n'))
    return alter(
      `MODIFY COLUMN n ${random.pick(['bigint', 'int', 'mediumint unsigned', 'decimal(20,2)', 'varchar(30)'])} NULL`,
    );
  if (dice < 0.57) {
    const type = random.pick([
      'varchar(300) character set utf8mb4',
      'varchar(90) character set utf16',
      'text character set latin1',
    ]);
    const text = altered.columns.find(([, kind]) => kind === 'varchar' || kind === 'latin1');
    if (text !== undefined) return alter(`MODIFY COLUMN ${identifier(text[0])} ${type} NULL`);
  }
  if (dice < 0.72) return newTable(catalogue, `new_${serial}`, random, kinds);
  if (dice < 0.78 && made.length > 0) {
    const table = random.pick(made);
    return { table, sql: [`DROP TABLE ${nameOf(table)}`], becomes: null };
  }
  if (dice < 0.84 && made.length > 0) {
    const table = random.pick(made);
    const renamed = { ...table, name: `new_${serial}` };
    const again = `GRANT TRIGGER ON ${nameOf(renamed)} TO rowseal_owner@localhost`; // grants go by name
    const rename = `RENAME TABLE ${nameOf(table)} TO ${nameOf(renamed)}`;
    return { table, sql: table.attached ? [rename, again] : [rename], becomes: renamed };
  }
  if (dice < 0.92) {
    const table = random.pick(catalogue.tables);
    return { table, sql: [`TRUNCATE TABLE ${nameOf(table)}`] };
  }
  if (dice < 0.96)
    return {
      table: null,
      sql: [`CREATE USER 'u${serial}'@'%' IDENTIFIED BY 'a secret ${serial}'`, `DROP USER 'u${serial}'@'%'`],
    };
  return alter(`ADD INDEX by_extra_${serial} (n)`);
}

function newTable(catalogue: Catalogue, name: string, random: Random, kinds: Map<string, ValueKind>): Change {
  const columns = Array.from({ length: 1 + random.below(4) }, (_, i) => {
    const kind = random.pick(catalogue.kinds);
    kinds.set(`${name}_${i}`, kind);
    return [`${name}_${i}`, kind] as const;
  });
  const attached = random.chance(0.4);
  const table: WorkloadTable = { schema: DATABASE, name, columns, attached, weight: 1 };
  const definitions = columns.map(([column, kind]) => `${column} ${GENERATORS[kind].type} NULL`).join(', ');
  return {
    table,
    sql: [`CREATE TABLE ${nameOf(table)} (id BIGINT AUTO_INCREMENT PRIMARY KEY, ${definitions})`],
    becomes: table,
  };
}
