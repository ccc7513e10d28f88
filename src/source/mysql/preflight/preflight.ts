/**
 * The preconditions of a MySQL or MariaDB source, decided from facts: pure, so that each has a unit test. A check says
 * what is wrong, why that matters, and the SQL or command that mends it. Nothing in here asks a server.
 */
import { type Check, check } from '../../preflight.ts';
import { accountChecks } from './account-checks.ts';
import { binlogChecks } from './binlog.ts';
import type { PreflightFacts } from './facts.ts';
import { cascadeChecks } from './foreign-keys.ts';
import { kitChecks, strangerChecks } from './kit.ts';
import { serverChecks } from './server.ts';
import { judgeTables, tableChecks } from './tables.ts';
import type { PreflightWish } from './wish.ts';

/** Every check on the server, its binlog, the account, the kit, tables and foreign keys. */
export function preflight(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const { kit, account, sawAll } = facts;
  // Before setup one line says so, and only what setup cannot mend stands beside it.
  const installed = kit !== null;
  return [
    ...serverChecks(facts, wish),
    ...binlogChecks(facts, wish),
    ...(account === null ? [] : accountChecks(facts, wish, account)),
    ...(installed ? kitChecks(facts, wish) : [notInstalled(facts, wish)]),
    ...strangerChecks(facts),
    ...tableChecks(facts, wish),
    ...cascadeChecks(facts, wish),
    ...(sawAll ? [] : [unseen(wish)]),
  ];
}

function notInstalled(facts: PreflightFacts, wish: PreflightWish): Check {
  const { account, sawAll } = facts;
  const count = judgeTables(facts, wish.tables, null).length;
  const noAccount = sawAll && account === null ? `, no account ${wish.user}` : '';
  return check(
    'kit',
    'kit.installed',
    'fail',
    `rowseal is not installed yet: ${count} ${count === 1 ? 'table matches' : 'tables match'}`,
    {
      why: `no SQL kit${noAccount}${sawAll ? '' : ' that this account may see'}; setup shows what it would do, and asks`,
      fix: 'rowseal setup -c FILE',
    },
  );
}

/** What an account with our few privileges is not shown. */
function unseen({ user }: PreflightWish): Check {
  return check(
    'server',
    'server.unseen',
    'warn',
    `not shown to ${user}: who may set sql_log_bin or write rowseal.context, and tables on which it has no privilege`,
    {
      why: 'the server shows it to an account that may read the schema mysql; the capture account should not be one',
      fix: "ROWSEAL_ADMIN_URL='mysql://root@…' rowseal doctor -c FILE",
    },
  );
}
