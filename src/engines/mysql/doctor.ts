/** The checks on a MySQL or MariaDB server: logs in as the capture account, asks through the admin where one is given. */
import { RowsealError } from '../../base/errors.ts';
import type { MysqlSourceConfig, TrailConfig } from '../../config/schema.ts';
import { readPreflight, writesBinlog } from '../../source/mysql/preflight/facts.ts';
import { type LoginFacts, loginChecks, tryLogin } from '../../source/mysql/preflight/login.ts';
import { preflight } from '../../source/mysql/preflight/preflight.ts';
import type { PreflightWish } from '../../source/mysql/preflight/wish.ts';
import type { ConnectionTarget } from '../../source/mysql/wire/connection.ts';
import { asRowsealError } from '../../source/mysql/wire/failure.ts';
import type { LoginOf } from '../../source/mysql/wire/login.ts';
import { leave } from '../../source/mysql/wire/sessions.ts';
import { type Check, check, type Unchecked } from '../../source/preflight.ts';
import type { EngineDiagnosis, Environment } from '../common/engine.ts';
import { type BinlogFacts, readBinlog, wrong } from './status.ts';
import { connectAs, elsewhereThan, mysqlAdmin, mysqlTarget, mysqlWish, sameServer } from './target.ts';

const WHAT = 'server, binlog, kit, tables and foreign keys';

export async function diagnoseMysql(
  source: MysqlSourceConfig,
  tables: TrailConfig['tables'],
  env: Environment,
): Promise<EngineDiagnosis> {
  const target = mysqlTarget(source, env);
  const wish = mysqlWish(source, tables, target);
  const login = await tryLogin(target);
  const admin = mysqlAdmin(env);
  // A configuration may have several servers; the admin's URL serves the one that it leads to.
  const helps = admin !== null && sameServer(admin, target);
  const through = helps ? admin : login.refused === null ? target : null;
  const checks: Check[] = [];
  const unchecked: Unchecked[] = [];
  let binlog: BinlogFacts | null = null;
  let awaited = false;
  if (through === null) {
    unchecked.push({
      what: WHAT,
      why: admin === null ? 'no login to ask through' : elsewhereThan(admin, target),
      fix:
        admin === null
          ? 'Set ROWSEAL_ADMIN_URL to the URL of an admin to see them before the account is there.'
          : 'Correct the host or port in ROWSEAL_ADMIN_URL, or in source.url.',
    });
  } else {
    try {
      const asked = await ask(through, wish, login, helps ? 'admin' : 'capture account');
      binlog = asked.binlog;
      checks.push(...preflight(asked.facts, wish));
      // An account that is not there yet cannot log in: that is told once, with what makes it.
      awaited = asked.facts.account === null && login.refused?.code === 'source_refused';
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
      unchecked.push({ what: WHAT, why: error.message, fix: error.hint });
    }
  }
  if (!awaited) checks.unshift(...loginChecks(login, target));
  return { checks, unchecked, judgeHead: (head) => judgeHead(head, binlog) };
}

/** Throws RowsealError. */
async function ask(target: ConnectionTarget, wish: PreflightWish, login: LoginFacts, of: LoginOf) {
  const session = await connectAs(target, of);
  try {
    const { user, serverId, contextAccounts } = wish;
    const facts = await readPreflight(session, { user, account: login.account, serverId, contextAccounts });
    const side = { query: session.query, close: async () => {} };
    return { facts, binlog: writesBinlog(facts.server) ? await readBinlog(side) : null };
  } catch (error) {
    throw asRowsealError(error, 'asking the server');
  } finally {
    await leave(session);
  }
}

/** Pure: whether the binlog still holds what comes behind the trail (invariants I1 and I5). */
export function judgeHead(
  head: { readonly number: number; readonly through: string } | null,
  binlog: BinlogFacts | null,
): Check {
  if (head === null) return check('trail', 'trail.head', 'ok', 'no trail yet: run begins it');
  const at = `seal ${head.number}, through ${head.through}`;
  const [problem] = binlog === null ? [] : wrong(head.through, binlog);
  if (problem === undefined) return check('trail', 'trail.head', 'ok', at);
  return check('trail', 'trail.head', 'fail', at, {
    why: problem,
    fix: `rowseal run -c FILE --accept-gap=${head.through}   # once it is known why`,
  });
}
