/** What each table needs: facts and rules in, verdicts out; doctor shows them, setup obeys them. Pure. */
import { createHash } from 'node:crypto';
import { type Check, check, redactionChecks, type TableWish, wishFor } from '../../preflight.ts';
import { qualified } from '../sql/quote.ts';
import type { PreflightFacts } from './facts.ts';
import type { TriggerFacts } from './kit-facts.ts';
import type { TableFacts } from './schema.ts';
import { OWNER, type PreflightWish, TRIGGER_BODY } from './wish.ts';

export const TRIGGER_EVENTS = ['INSERT', 'UPDATE', 'DELETE'] as const;
export type TriggerEvent = (typeof TRIGGER_EVENTS)[number];

export interface TableVerdict {
  readonly table: TableFacts;
  readonly name: string;
  /** Events that lack our trigger, though context_trigger asks for it. */
  readonly lacks: readonly TriggerEvent[];
  /** context_trigger on a table that does not take part in transactions: its writes fail, or it has no session. */
  readonly apart: 'fails' | 'unheard' | null;
  /** Triggers that bear a name of ours and are not: setup leaves them alone, and says so. */
  readonly foreign: readonly TriggerFacts[];
}

type JudgedFacts = Pick<PreflightFacts, 'tables' | 'variables'> & {
  readonly server: Pick<PreflightFacts['server'], 'foldsNames'>;
};

const NAME_LENGTH = 64;
const TRANSACTIONAL: ReadonlySet<string> = new Set(['InnoDB', 'ndbcluster', 'ROCKSDB', 'TokuDB']);

/** `rowseal_i_orders`; names are unique in a schema and 64 characters at most, so a long one ends in a digest. */
export function triggerName(table: string, event: TriggerEvent): string {
  const name = `rowseal_${event[0]?.toLowerCase()}_${table}`;
  if ([...name].length <= NAME_LENGTH) return name;
  const digest = createHash('sha256').update(table).digest('hex').slice(0, 8);
  return `${[...name].slice(0, NAME_LENGTH - 9).join('')}_${digest}`;
}

/** The verdict on every table that the configuration asks for. */
export function judgeTables(
  { tables, server, variables }: JudgedFacts,
  wishes: readonly TableWish[],
  triggers: readonly TriggerFacts[] | null,
): TableVerdict[] {
  const { foldsNames } = server;
  // MySQL's error 1785: a statement may not change tables of both kinds. MariaDB has no such variable.
  const strict = variables['enforce_gtid_consistency'] === 'ON';
  return tables.flatMap((table): TableVerdict[] => {
    const wish = wishFor({ ...table, foldsNames }, wishes);
    if (wish === null) return [];
    const mine = (triggers ?? []).filter(({ schema }) => schema === table.schema);
    const named = (event: TriggerEvent) => mine.find(({ name }) => name === triggerName(table.table, event));
    return [
      {
        table,
        name: `${table.schema}.${table.table}`,
        lacks: wish.context_trigger ? TRIGGER_EVENTS.filter((event) => named(event) === undefined) : [],
        apart: !wish.context_trigger || TRANSACTIONAL.has(table.engine) ? null : strict ? 'fails' : 'unheard',
        foreign: TRIGGER_EVENTS.flatMap((event) => {
          const found = named(event);
          return found === undefined || isOurs(found, table.table, event) ? [] : [found];
        }),
      },
    ];
  });
}

function isOurs(trigger: TriggerFacts, table: string, event: TriggerEvent): boolean {
  const { definer, body } = trigger;
  return (
    definer === OWNER &&
    body === TRIGGER_BODY &&
    trigger.table === table &&
    trigger.event === `AFTER ${event}`
  );
}

export function tableChecks(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const { kit, triggers } = facts;
  const verdicts = judgeTables(facts, wish.tables, triggers);
  const keyless = verdicts.filter(({ table }) => !table.primaryKey);
  const checks: Check[] = [
    {
      group: 'tables',
      id: 'tables.matched',
      status: verdicts.length === 0 ? 'fail' : 'ok',
      what: `${verdicts.length} ${verdicts.length === 1 ? 'table matches' : 'tables match'}${keyless.length === 0 ? '' : `, ${keyless.length} of them without a primary key`}`,
      why: verdicts.length === 0 ? 'no table that can be seen matches: the trail would stay empty' : '',
      fix: verdicts.length === 0 ? 'See tables[].match in the configuration: schema.table.' : '',
    },
  ];
  for (const verdict of verdicts) {
    const { table, name, lacks, foreign } = verdict;
    if (verdict.apart !== null) checks.push(apartCheck(verdict));
    if (!table.primaryKey)
      checks.push(
        check('tables', `table.${name}.key`, 'warn', `${name}: no primary key`, {
          why: 'its records bear no key: which row changed is only told by the values',
          fix: `ALTER TABLE ${qualified(table)} ADD PRIMARY KEY (…); -- or as an invisible column: ADD COLUMN my_row_id BIGINT UNSIGNED AUTO_INCREMENT INVISIBLE PRIMARY KEY`,
        }),
      );
    if (foreign.length > 0)
      checks.push(
        check(
          'tables',
          `table.${name}.foreign`,
          'fail',
          `${name}: ${foreign.map((each) => each.name).join(', ')} is not our trigger`,
          {
            why: 'it bears the name of one: somebody changed it, or made another under that name',
            fix: foreign
              .map((each) => `DROP TRIGGER ${qualified({ schema: each.schema, table: each.name })};`)
              .join(' '),
          },
        ),
      );
    if (kit !== null && triggers !== null && lacks.length > 0)
      checks.push(
        check(
          'tables',
          `table.${name}.trigger`,
          'fail',
          `${name}: no context trigger for ${lacks.join(', ')}`,
          {
            why: 'context_trigger: true asks for it',
            fix: 'rowseal setup -c FILE',
          },
        ),
      );
  }
  const { foldsNames } = facts.server;
  const server = { foldsColumns: true, hidesTables: !facts.sawAll };
  const columned = facts.tables.map((table) => ({ ...table, foldsNames }));
  return [...checks, ...redactionChecks(columned, wish.tables, server), ...oldTimeChecks(facts)];
}

function apartCheck({ table, name, apart }: TableVerdict): Check {
  const fails = apart === 'fails';
  return check(
    'tables',
    `table.${name}.engine`,
    fails ? 'fail' : 'warn',
    `${name}: ENGINE=${table.engine}, which takes no part in transactions, and context_trigger: true`,
    {
      why: fails ? APART_FAILS : 'what our trigger says is logged apart from its rows: they have no session',
      fix: apartFix(table),
    },
  );
}

export const APART_FAILS =
  'with enforce_gtid_consistency = ON a write that fires our trigger fails (error 1785)';

export function apartFix(table: TableFacts): string {
  return `ALTER TABLE ${qualified(table)} ENGINE = InnoDB; -- or context_trigger: false in the configuration`;
}

/** Of any table: rows that the configuration leaves out are read like all others. */
function oldTimeChecks({ oldTimes }: PreflightFacts): Check[] {
  const byTable = Map.groupBy(oldTimes, ({ schema, table }) => `${schema}.${table}`);
  return [...byTable].map(([name, columns]) =>
    check(
      'tables',
      `table.${name}.times`,
      'fail',
      `${name}: ${columns.map(({ column, type }) => `${column} ${type}`).join(', ')} in the format of before MariaDB 10.1.2`,
      {
        why: 'the binary log does not say how wide such a fraction is: a change of this table stops the daemon, or is misread',
        fix: columns
          .slice(0, 1)
          .map(
            (each) =>
              `SET GLOBAL mysql56_temporal_format = ON; ALTER TABLE ${qualified(each)} FORCE; -- and mysql56_temporal_format = ON in my.cnf`,
          )
          .join(''),
      },
    ),
  );
}
