/**
 * What the daemon asks performance_schema for: whose a thread is, and whether statements set sql_log_bin. Only these columns
 * are granted, for others show what everybody runs, literals included (threads.PROCESSLIST_INFO,
 * events_statements_summary_by_digest.QUERY_SAMPLE_TEXT). Pure.
 */
import { type Check, check } from '../../preflight.ts';
import { quoteGrantee } from '../sql/quote.ts';
import type { AccountFacts } from './accounts.ts';
import type { PreflightFacts } from './facts.ts';

/** By table, as sql/mysql/02-capture-user.sql grants them. */
export const LOOKUPS: Readonly<Record<string, readonly string[]>> = {
  threads: ['PROCESSLIST_ID', 'PROCESSLIST_USER', 'PROCESSLIST_HOST'],
  session_connect_attrs: ['PROCESSLIST_ID', 'ATTR_NAME', 'ATTR_VALUE'],
  events_statements_summary_by_digest: ['DIGEST_TEXT', 'COUNT_STAR'],
};
/** Those with more than we ask for that is worth hiding. */
const TELLING = ['threads', 'events_statements_summary_by_digest'];

/** Tables of which it may not read all that we ask for. */
export function lackingLookups(
  { server }: Pick<PreflightFacts, 'server'>,
  { performanceSchema: { whole, columns }, global, reads }: AccountFacts,
): string[] {
  if (!server.performanceSchema || global.includes('SUPER') || reads.includes('*.*')) return [];
  if (whole.includes('*')) return [];
  return Object.keys(LOOKUPS).filter(
    (table) =>
      !whole.includes(table) && LOOKUPS[table]?.some((each) => !columns.includes(`${table}.${each}`)),
  );
}

export function grantLookup(table: string, account: string): string {
  return `GRANT SELECT (${LOOKUPS[table]?.join(', ')}) ON performance_schema.${table} TO ${quoteGrantee(account)};`;
}

export function lookupChecks(facts: Pick<PreflightFacts, 'server'>, account: AccountFacts): Check[] {
  const { name, global, reads } = account;
  const lacking = lackingLookups(facts, account);
  const checks = [
    check(
      'login',
      'account.lookups',
      lacking.length === 0 ? 'ok' : 'warn',
      lacking.length === 0
        ? `${name} may look up whose a change is`
        : `${name} may not read performance_schema.${lacking.join(', .')}`,
      {
        why: 'changes without a context of their own have no login then, and sql_log_bin = 0 goes unnoticed',
        fix: lacking.map((table) => grantLookup(table, name)).join(' '),
      },
    ),
  ];
  const wide = account.performanceSchema.whole.filter((table) => table === '*' || TELLING.includes(table));
  // account.superuser and account.reads tell of more than this.
  if (wide.length === 0 || global.includes('SUPER') || reads.includes('*.*')) return checks;
  const lost = wide.includes('*') ? Object.keys(LOOKUPS) : wide;
  checks.push(
    check(
      'login',
      'account.wide_lookups',
      'warn',
      `${name} may read all of performance_schema.${wide.join(', .')}`,
      {
        why: 'there it sees the statements of everybody, literals included; it asks for few columns (earlier versions of setup granted the tables)',
        // The server takes grants on columns away with the table's, so they are given anew.
        fix: [
          ...wide.map((table) => `REVOKE SELECT ON performance_schema.${table} FROM ${quoteGrantee(name)};`),
          ...lost.map((table) => grantLookup(table, name)),
          '-- then restart the daemon',
        ].join(' '),
      },
    ),
  );
  return checks;
}
