/** The workload's session that alters tables while the others write to them, and makes new ones. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { catalogChanges, catalogTables } from './postgres-targets.ts';
import type { Random } from './random.ts';
import type { Catalogue, WorkloadTable } from './workload-schema.ts';
import { GENERATORS, literalOf, type ValueKind } from './workload-values.ts';

interface Change {
  /** Command tag by which the trail must know it. */
  readonly tag: string;
  readonly sql: readonly string[];
  /** Applied to the catalogue once it is committed. */
  readonly committed: () => void;
}

const KINDS = Object.keys(GENERATORS).filter((kind) => kind !== 'huge') as ValueKind[];

/** What this session's rows must be attributed to: it is the superuser's, and says nothing itself. */
const EXPECTED = JSON.stringify({
  attached: { tier: 'connection', via: 'trigger', actor: { type: 'login', id: 'postgres' } },
  plain: { tier: 'none', actor: { type: 'unknown' } },
});

export function startDdl(
  connect: () => Promise<pg.Client>,
  count: number,
  catalogue: Catalogue,
  random: Random,
  paceMs: number,
  failed: Record<string, number>,
): { readonly done: Promise<void>; stop(): void } {
  let stopped = false;
  const run = async () => {
    if (count === 0) return;
    let client = await connect();
    for (let left = count; left > 0 && !stopped; left--) {
      await sleep(20 + random.below(60 + 10 * paceMs));
      const change = nextChange(random, catalogue);
      try {
        await client.query("begin; set local lock_timeout = '1s'");
        const before = await catalogTables(client);
        for (const sql of change.sql) await client.query(sql);
        const effects = JSON.stringify(catalogChanges(before, await catalogTables(client)));
        await client.query('select shadow.ddl($1, $2)', [change.tag, effects]);
        const commits = random.chance(0.85);
        await client.query(commits ? 'commit' : 'rollback');
        if (commits) change.committed();
      } catch (error) {
        const code = `ddl ${(error as { code?: string }).code ?? (error as Error).message}`;
        failed[code] = (failed[code] ?? 0) + 1;
        if (
          !(await client.query('rollback').then(
            () => true,
            () => false,
          ))
        ) {
          await client.end().catch(() => undefined);
          client = await connect();
        }
      }
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

function nextChange(random: Random, catalogue: Catalogue): Change {
  const serial = catalogue.serial++;
  const altered = random.pick(['public.stock', 'public.secret', 'public.journal', 'public.part']);
  const table = catalogue.tables.find(({ name }) => name === altered) as WorkloadTable;
  const added = table.columns.filter(([name]) => name.startsWith('extra_'));
  const dice = random.next();
  if (dice < 0.3) return addColumn(catalogue, table, `extra_${serial}`, random);
  if (dice < 0.45 && added.length > 0) return dropColumn(catalogue, table, random.pick(added)[0]);
  if (dice < 0.6 && added.length > 0)
    return renameColumn(catalogue, table, random.pick(added)[0], `extra_${serial}`);
  if (dice < 0.85) return newTable(catalogue, `public.new_${serial}`, random);
  if (dice < 0.9) {
    const type = random.pick(['bigint', 'integer', 'numeric']);
    return {
      tag: 'ALTER TABLE',
      sql: [`alter table public.coded alter column n type ${type} using null`],
      committed: () => undefined,
    };
  }
  if (dice < 0.95)
    return { tag: 'CREATE INDEX', sql: [`create index on ${table.name} ((1))`], committed: () => undefined };
  const identity = random.pick(['full', 'default']);
  return {
    tag: 'ALTER TABLE',
    sql: [`alter table public.child replica identity ${identity}`],
    committed: () => undefined,
  };
}

function addColumn(catalogue: Catalogue, table: WorkloadTable, name: string, random: Random): Change {
  const kind = random.pick(KINDS);
  const otherwise = random.chance(0.5) ? ` default ${literalOf(kind, random, false)}` : '';
  return {
    tag: 'ALTER TABLE',
    sql: [`alter table ${table.name} add column ${name} ${GENERATORS[kind].type}${otherwise}`],
    committed: () => replace(catalogue, table.name, (columns) => [...columns, [name, kind]]),
  };
}

function dropColumn(catalogue: Catalogue, table: WorkloadTable, name: string): Change {
  return {
    tag: 'ALTER TABLE',
    sql: [`alter table ${table.name} drop column ${name}`],
    committed: () => replace(catalogue, table.name, (columns) => columns.filter(([each]) => each !== name)),
  };
}

function renameColumn(catalogue: Catalogue, table: WorkloadTable, from: string, to: string): Change {
  return {
    tag: 'ALTER TABLE',
    sql: [`alter table ${table.name} rename column ${from} to ${to}`],
    committed: () =>
      replace(catalogue, table.name, (columns) =>
        columns.map(([name, kind]) => [name === from ? to : name, kind]),
      ),
  };
}

/** A new table, published and watched in the transaction that makes it, with its first rows. */
function newTable(catalogue: Catalogue, name: string, random: Random): Change {
  const columns = Array.from(
    { length: 2 + random.below(3) },
    (_, i) => [`c${i}`, random.pick(KINDS)] as const,
  );
  const attached = random.chance(0.5);
  const full = random.chance(0.5);
  const values = columns.map(([, kind]) => literalOf(kind, random)).join(', ');
  const names = columns.map(([column]) => column).join(', ');
  return {
    tag: 'CREATE TABLE',
    sql: [
      `create table ${name} (id bigint generated by default as identity primary key, ${columns.map(([column, kind]) => `${column} ${GENERATORS[kind].type}`).join(', ')})`,
      `grant all on ${name} to public; grant all on all sequences in schema public to public`,
      ...(full ? [`alter table ${name} replica identity full`] : []),
      ...(attached ? [`select rowseal.attach('${name}')`] : []),
      `select shadow.watch('${name}')`,
      `alter publication rowseal add table only ${name}`,
      `set local shadow.expect = '${EXPECTED}'; insert into ${name} (${names}) values (${values}), (${values})`,
    ],
    committed: () => {
      catalogue.tables = [...catalogue.tables, { name, columns, key: 'id', weight: 1, attached }];
    },
  };
}

function replace(
  catalogue: Catalogue,
  name: string,
  change: (columns: WorkloadTable['columns']) => WorkloadTable['columns'],
): void {
  catalogue.tables = catalogue.tables.map((table) =>
    table.name === name ? { ...table, columns: change(table.columns) } : table,
  );
}
