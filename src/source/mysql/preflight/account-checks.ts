/** Whether the account that the daemon logs in as may do what it must, and not much more. Pure. */
import { type Check, check, shorten } from '../../preflight.ts';
import { quoteGrantee, quoteSchemaGrant } from '../sql/quote.ts';
import type { AccountFacts } from './accounts.ts';
import type { PreflightFacts } from './facts.ts';
import { lookupChecks } from './lookups.ts';
import { judgeTables } from './tables.ts';
import { namedSchemas, type PreflightWish } from './wish.ts';

export function accountChecks(facts: PreflightFacts, wish: PreflightWish, account: AccountFacts): Check[] {
  const { flavor } = facts.server;
  const { name, global } = account;
  const grantee = quoteGrantee(name);
  const all = global.includes('SUPER');
  const may = global.includes('REPLICATION SLAVE') || all;
  const looks = flavor === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR';
  const sees = global.includes(looks) || all;
  const checks = [
    check(
      'login',
      'account.replication',
      may ? 'ok' : 'fail',
      `${name} ${may ? 'may' : 'may not'} stream the binlog`,
      {
        why: 'REPLICATION SLAVE is what streaming needs',
        fix: `GRANT REPLICATION SLAVE ON *.* TO ${grantee};`,
      },
    ),
    check('login', 'account.monitor', sees ? 'ok' : 'fail', `${name} ${sees ? 'has' : 'lacks'} ${looks}`, {
      why: 'without it nobody notices in time that binlogs were removed before they were sealed',
      fix: `GRANT ${looks} ON *.* TO ${grantee};`,
    }),
    ...lookupChecks(facts, account),
    check(
      'login',
      'account.superuser',
      all ? 'warn' : 'ok',
      `${name} ${all ? 'has SUPER' : 'has no SUPER'}`,
      {
        why: 'whoever takes over the daemon then owns the server',
        fix: 'Name an account of its own in source.url, then: rowseal setup -c FILE',
      },
    ),
  ];
  if (!all)
    checks.push(
      check(
        'login',
        'account.reads',
        account.reads.length === 0 ? 'ok' : 'warn',
        account.reads.length === 0
          ? `${name} may read no table`
          : `${name} may read ${shorten(account.reads)}`,
        { why: 'it needs none: changes come out of the binlog', fix: `REVOKE SELECT ON … FROM ${grantee};` },
      ),
    );
  if (account.locked === true)
    checks.push(
      check('login', 'account.locked', 'fail', `${name} is locked`, {
        why: 'it has no password yet',
        fix: 'rowseal setup -c FILE   # with source.password_file',
      }),
    );
  return [...checks, ...visibilityCheck(facts, wish, account)];
}

/** information_schema shows an account the tables that it has a privilege on: doctor looks through its eyes. */
function visibilityCheck(facts: PreflightFacts, wish: PreflightWish, account: AccountFacts): Check[] {
  const { server, sawAll } = facts;
  const lacking = lackingReferences(server, wish, account);
  if (lacking.length === 0) return [];
  const seen = judgeTables(facts, wish.tables, null).length;
  return [
    check(
      'login',
      'account.visibility',
      'warn',
      `${account.name} may not see that there is ${lacking.join(', ')}`,
      {
        why: `doctor sees ${seen} matching tables${sawAll ? ' through the admin' : ''}: keys, triggers and foreign keys of the others are not looked at`,
        fix: lacking
          .map((schema) => `GRANT REFERENCES ON ${schema} TO ${quoteGrantee(account.name)};`)
          .join(' '),
      },
    ),
  ];
}

/** `shop`.* or *.*: what the account needs REFERENCES on and has not. */
export function lackingReferences(
  { foldsNames }: Pick<PreflightFacts['server'], 'foldsNames'>,
  { tables }: PreflightWish,
  account: AccountFacts | null,
): string[] {
  const references = account?.references ?? [];
  if (references.includes('*') || account?.global.includes('SUPER')) return [];
  const schemas = namedSchemas(tables);
  if (schemas === null) return ['*.*'];
  const named = (schema: string) => (foldsNames ? schema.toLowerCase() : schema);
  const granted = references.map((schema) => named(schema.replaceAll(/\\([\\_%])/g, '$1')));
  return schemas
    .filter((schema) => !granted.includes(named(schema)))
    .map((schema) => `${quoteSchemaGrant(schema)}.*`);
}
