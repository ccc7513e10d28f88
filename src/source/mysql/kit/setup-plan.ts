/**
 * What setup would do, decided from facts: pure. A plan that holds a refusal must not be run, not even in part. The order
 * keeps the application safe at every step: what a trigger calls is there before the trigger is.
 */
import type { Plan, Step } from '../../preflight.ts';
import type { Flavor } from '../bytes/flavor.ts';
import { lackingReferences } from '../preflight/account-checks.ts';
import type { AccountFacts } from '../preflight/accounts.ts';
import { LOG_BIN_FIX } from '../preflight/binlog.ts';
import { type PreflightFacts, writesBinlog } from '../preflight/facts.ts';
import { isWanted, unseenCascades } from '../preflight/foreign-keys.ts';
import { alteredProcedures, lackingCallers, strangerFix } from '../preflight/kit.ts';
import { lackingLookups } from '../preflight/lookups.ts';
import type { StoredPassword } from '../preflight/password-hash.ts';
import { APART_FAILS, apartFix, judgeTables, type TableVerdict, triggerName } from '../preflight/tables.ts';
import { KIT_COMMENT, OWNER, type PreflightWish, TRIGGER_BODY } from '../preflight/wish.ts';
import {
  granteeOf,
  hidesName,
  qualified,
  quoteGrantee,
  quoteIdentifier,
  quoteLiteral,
  quoteSchemaGrant,
} from '../sql/quote.ts';
import { bodiedStepOf, statementsBut, statementsOf, stepOf } from './script.ts';

/** The SQL files of the kit, as they stand in sql/mysql. */
export interface KitFiles {
  readonly kit: string;
  readonly tableBlackhole: string;
  readonly tableInnodb: string;
  readonly account: string;
  readonly uninstall: string;
}

/** `password`: set where the capture account needs a (new) one. */
export function planSetup(
  facts: PreflightFacts,
  wish: PreflightWish,
  files: KitFiles,
  password: StoredPassword | null,
): Plan {
  const verdicts = judgeTables(facts, wish.tables, facts.triggers);
  const account = facts.account?.name ?? granteeOf(wish.user);
  return {
    refused: [
      ...refusedServer(facts, wish),
      ...refusedStrangers(facts),
      ...refusedTriggers(verdicts),
      ...refusedEngines(verdicts),
    ],
    notes: notes(facts, wish, password, verdicts),
    steps: [
      ...kitSteps(facts, wish, files),
      ...accountSteps(facts, wish, files, account, password),
      ...lackingCallers(facts.kit, wish).map((grantee) =>
        mayCall(`${grantee} may call rowseal.set_context`, 'set_context', grantee),
      ),
      ...verdicts.flatMap(triggerSteps),
    ].map(judged),
  };
}

/** What is printed goes to a client that reads lines. */
export function judged(step: Step): Step {
  return hidesName(step.sql) ? { ...step, unprintable: true } : step;
}

function mayCall(title: string, procedure: string, grantee: string): Step {
  return stepOf(title, [`GRANT EXECUTE ON PROCEDURE rowseal.${procedure} TO ${quoteGrantee(grantee)}`]);
}

function refusedServer({ server, variables, kit }: PreflightFacts, wish: PreflightWish): Plan['refused'] {
  const refused = [];
  if (server.flavor !== wish.flavor)
    refused.push({
      what: server.version,
      why: `source.type is ${wish.flavor}`,
      fix: `source: { type: ${server.flavor}, … }`,
    });
  if (!writesBinlog(server))
    refused.push({
      what: 'the server writes no binary log',
      why: 'there is nothing to capture from',
      fix: `${LOG_BIN_FIX}; rowseal doctor -c FILE checks its other settings`,
    });
  if (variables['super_read_only'] === 'ON')
    refused.push({
      what: 'a server that takes no writes',
      why: 'super_read_only is ON',
      fix: 'Give the URL of the source that it replicates from: what is installed there comes here.',
    });
  if (kit !== null && !kit.comment.startsWith('rowseal kit '))
    refused.push({
      what: 'the schema rowseal',
      why: 'there is one with a table of the kit’s name, and it is none of ours',
      fix: 'Rename or remove it.',
    });
  return refused;
}

/** Halfway through, the server would refuse the grant. */
function refusedStrangers({ strangers }: PreflightFacts): Plan['refused'] {
  return (strangers ?? []).map((account) => ({
    what: `context_accounts: ${account}`,
    why: 'there is no such account',
    fix: strangerFix(account),
  }));
}

function refusedTriggers(verdicts: readonly TableVerdict[]): Plan['refused'] {
  return verdicts.flatMap(({ name, foreign }) =>
    foreign.map((trigger) => ({
      what: name,
      why: `the trigger ${trigger.name} bears a name of ours, and is ${trigger.definer === OWNER ? 'altered' : 'somebody else’s'}`,
      fix: `SHOW CREATE TRIGGER ${qualified({ schema: trigger.schema, table: trigger.name })}; -- then rename it, or DROP TRIGGER`,
    })),
  );
}

/** The application's writes would fail. */
function refusedEngines(verdicts: readonly TableVerdict[]): Plan['refused'] {
  return verdicts
    .filter(({ apart }) => apart === 'fails')
    .map(({ table, name }) => ({
      what: `${name}, ENGINE=${table.engine}`,
      why: APART_FAILS,
      fix: apartFix(table),
    }));
}

function notes(
  facts: PreflightFacts,
  wish: PreflightWish,
  password: StoredPassword | null,
  verdicts: readonly TableVerdict[],
): string[] {
  const cascades = unseenCascades(facts.server, facts.cascades, isWanted(wish, facts.server));
  const keyless = verdicts.filter(({ table }) => !table.primaryKey);
  const { server, account, blackhole } = facts;
  return [
    ...(account === null && password === null
      ? [
          `no password is configured for ${wish.user}: its account stays locked until it has one (sql/mysql/02-capture-user.sql)`,
        ]
      : []),
    ...(server.flavor === 'mariadb' && password !== null
      ? [
          'mysql_native_password is what MariaDB can store here: the hash is fast to guess from, so let the password be long and random',
        ]
      : []),
    ...(blackhole === 'absent' ? ['there is no BLACKHOLE engine: InnoDB stands in, at twice the price'] : []),
    ...(cascades.length === 0
      ? []
      : [
          `${cascades.length} foreign keys change rows that no binlog shows: rowseal doctor lists each, with what to do`,
        ]),
    ...(keyless.length === 0
      ? []
      : [`${keyless.length} tables have no primary key: their records bear none`]),
  ];
}

function kitSteps(facts: PreflightFacts, wish: PreflightWish, files: KitFiles): Step[] {
  const { kit, blackhole } = facts;
  const seen = kit === null ? null : alteredProcedures(kit, wish);
  const altered = seen ?? [];
  const whole = kit !== null && kit.comment === KIT_COMMENT && kit.engine !== null && altered.length === 0;
  if (whole) return [];
  const engine = kit?.engine ?? (blackhole === 'absent' ? 'InnoDB' : 'BLACKHOLE');
  const table = engine === 'BLACKHOLE' ? files.tableBlackhole : files.tableInnodb;
  const steps: Step[] = [];
  if (engine === 'BLACKHOLE' && blackhole === 'installable')
    steps.push({
      title: 'the BLACKHOLE engine, which lies there as a plugin (replicas need it as well)',
      sql: "INSTALL SONAME 'ha_blackhole';",
    });
  if (altered.length > 0)
    steps.push(
      stepOf(
        `remove procedures that are not the shipped ones: ${altered.join(', ')}`,
        altered.map((name) => `DROP PROCEDURE IF EXISTS rowseal.${quoteIdentifier(name)}`),
      ),
    );
  steps.push(
    fileStep('schema rowseal, its procedures, and their locked owner (01-kit.sql)', files.kit, seen),
    fileStep(`table rowseal.context, ENGINE=${engine} (01-table-${engine.toLowerCase()}.sql)`, table, seen),
  );
  // MySQL takes grants on a procedure away with it.
  if (altered.includes('set_context'))
    for (const grantee of kit?.callers ?? [])
      steps.push(mayCall(`${grantee} may call rowseal.set_context, as before`, 'set_context', grantee));
  if (altered.includes('inventory') && facts.account !== null)
    steps.push(
      mayCall(`${facts.account.name} may call rowseal.inventory, as before`, 'inventory', facts.account.name),
    );
  return steps;
}

/** A file of the kit. `altered`: the procedures to be made anew, the others stay as they are; null: all of them. */
function fileStep(title: string, file: string, altered: readonly string[] | null): Step {
  if (altered === null) return { title, sql: file };
  const statements = statementsBut(file, (procedure) => !altered.includes(procedure));
  // MariaDB would replace also what is whole, and wait for every transaction that called it; MySQL before 8.0.29 would refuse.
  return statements.length === statementsOf(file).length
    ? { title, sql: file }
    : bodiedStepOf(`${title}, as far as it is not there`, statements);
}

function accountSteps(
  facts: PreflightFacts,
  wish: PreflightWish,
  files: KitFiles,
  name: string,
  password: StoredPassword | null,
): Step[] {
  const { account } = facts;
  const steps: Step[] = [];
  if (account === null || !isAble(facts, account))
    steps.push({
      title: `account ${name}: streams the binlog, looks up threads, reads no table (02-capture-user.sql)`,
      sql: renderAccount(files.account, name, wish.tls),
      statements: statementsOf(files.account).map((each) => renderAccount(each, name, wish.tls)),
    });
  if (password !== null) {
    const { statement, shown } = passwordStatement(facts.server.flavor, quoteGrantee(name), password);
    steps.push({ ...stepOf(`account ${name}: its password, as a hash`, [statement]), shown });
  }
  const schemas = lackingReferences(facts.server, wish, account);
  if (schemas.length > 0)
    steps.push(
      stepOf(
        `account ${name}: may see which tables there are in ${schemas.join(', ')}, not a row of them`,
        schemas.map((schema) => `GRANT REFERENCES ON ${schema} TO ${quoteGrantee(name)}`),
      ),
    );
  return steps;
}

function isAble(facts: PreflightFacts, account: AccountFacts): boolean {
  const { global, references } = account;
  if (global.includes('SUPER')) return account.mayCallInventory;
  const looks = facts.server.flavor === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR';
  return (
    global.includes('REPLICATION SLAVE') &&
    global.includes(looks) &&
    lackingLookups(facts, account).length === 0 &&
    account.mayCallInventory &&
    (references.includes('rowseal') || references.includes('*'))
  );
}

/** Puts the account where the file has its example; without TLS, no REQUIRE SSL. */
export function renderAccount(file: string, grantee: string, tls: boolean): string {
  const asked = tls ? file : file.replace('REQUIRE SSL', 'REQUIRE NONE');
  return asked.replaceAll(/'''rowseal''@''%'''|'rowseal'@'%'/g, (example) =>
    example.startsWith("''") ? quoteLiteral(grantee) : quoteGrantee(grantee),
  );
}

function passwordStatement(flavor: Flavor, name: string, { plugin, text }: StoredPassword) {
  const statement = (hash: string) =>
    flavor === 'mysql'
      ? `ALTER USER ${name} IDENTIFIED WITH ${plugin} AS ${hash} ACCOUNT UNLOCK`
      : `ALTER USER ${name} IDENTIFIED VIA ${plugin} USING ${hash} ACCOUNT UNLOCK`;
  return {
    statement: statement(quoteLiteral(text)),
    shown: `-- ${statement("'<hash>'")};   (setup makes the hash; see 02-capture-user.sql)`,
  };
}

function triggerSteps({ table, name, lacks }: TableVerdict): Step[] {
  if (lacks.length === 0) return [];
  // Of the schema: a grant of a table goes by its name, and writes would fail once it is renamed.
  const mode = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'";
  const grant = `GRANT TRIGGER ON ${quoteSchemaGrant(table.schema)}.* TO ${OWNER}`;
  const triggers = lacks.map(
    (event) =>
      `CREATE DEFINER = ${OWNER} TRIGGER ${qualified({ schema: table.schema, table: triggerName(table.table, event) })} AFTER ${event} ON ${qualified(table)} FOR EACH ROW\n  ${TRIGGER_BODY}`,
  );
  return [
    {
      title: `${name}: context triggers AFTER ${lacks.join(', ')}`,
      sql: `${mode};\n${grant};\nDELIMITER //\n${triggers.join('//\n')}//\nDELIMITER ;`,
      statements: [mode, grant, ...triggers],
    },
  ];
}
