/** setup on a MySQL or MariaDB server: facts as the admin, a plan from them, its statements one after the other. */
import { RowsealError } from '../../base/errors.ts';
import type { MysqlSourceConfig, TrailConfig } from '../../config/schema.ts';
import { statementsIn } from '../../source/mysql/kit/script.ts';
import { planSetup } from '../../source/mysql/kit/setup-plan.ts';
import { planUninstall, type Unsealed } from '../../source/mysql/kit/uninstall-plan.ts';
import { type PreflightFacts, readPreflight, writesBinlog } from '../../source/mysql/preflight/facts.ts';
import {
  fitsStored,
  type StoredPassword,
  storedPassword,
} from '../../source/mysql/preflight/password-hash.ts';
import type { PreflightWish } from '../../source/mysql/preflight/wish.ts';
import type { ConnectionTarget } from '../../source/mysql/wire/connection.ts';
import { asRowsealError, errnoOf } from '../../source/mysql/wire/failure.ts';
import { leave, type Session } from '../../source/mysql/wire/sessions.ts';
import type { Step } from '../../source/preflight.ts';
import type { Environment, SetupSession } from '../common/engine.ts';
import { binlogWord, readBinlog } from './status.ts';
import {
  connectAs,
  elsewhereThan,
  mysqlAdmin,
  mysqlTarget,
  mysqlWish,
  readMysqlKit,
  sameServer,
} from './target.ts';

/** Throws RowsealError. */
export async function openMysqlSetup(
  source: MysqlSourceConfig,
  tables: TrailConfig['tables'],
  env: Environment,
  adminUrlFile: string | undefined,
): Promise<SetupSession> {
  const target = mysqlTarget(source, env);
  const wish = mysqlWish(source, tables, target);
  const admin = mysqlAdmin(env, adminUrlFile);
  if (admin === null)
    throw new RowsealError('usage', 'setup needs the URL of an admin of the MySQL or MariaDB server.', {
      hint: 'Set ROWSEAL_ADMIN_URL to mysql://…, or give --admin-url-file FILE (mode 0600).',
    });
  const session = await connectAs(admin, 'admin');
  let prepared = false;
  return {
    // Else a client with another character set ends a quoted name elsewhere.
    prologue:
      "SET NAMES utf8mb4;\nSET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';\nSET SESSION lock_wait_timeout = 5;\n",
    async plan(uninstall) {
      const facts = await factsOf(session, wish);
      const files = readMysqlKit();
      const planned =
        uninstall !== null
          ? planUninstall(facts, files, await unsealedOf(session, facts, uninstall.through))
          : planSetup(facts, wish, files, passwordFor(facts, wish, target));
      // A tunnel may make two addresses of one server; two servers would be a grave mistake.
      if (sameServer(admin, target) || admin.isSocket) return planned;
      const warning = `${elsewhereThan(admin, target)}: go on only if both lead to it`;
      return { ...planned, notes: [warning, ...planned.notes] };
    },
    async run(step) {
      // So that nothing queues up behind us while we wait for a table.
      if (!prepared) await session.query('SET SESSION lock_wait_timeout = 5');
      prepared = true;
      await runStep(session, step);
    },
    close: () => leave(session),
  };
}

async function factsOf(session: Session, wish: PreflightWish): Promise<PreflightFacts> {
  let facts: PreflightFacts;
  try {
    const { user, serverId, contextAccounts } = wish;
    facts = await readPreflight(session, { user, account: null, serverId, contextAccounts });
  } catch (error) {
    throw asRowsealError(error, 'reading the catalogs');
  }
  if (facts.sawAll) return facts;
  throw new RowsealError('source_refused', 'the admin of ROWSEAL_ADMIN_URL may not read the schema mysql.', {
    hint: 'setup looks at accounts and grants there before it makes any: give the URL of an account that may.',
  });
}

/** What `status` would say lies between the trail and the end of the binlog; null where that can't be told. */
async function unsealedOf(
  session: Session,
  { server }: PreflightFacts,
  through: string | null,
): Promise<Unsealed | null> {
  if (through === null || !writesBinlog(server)) return null;
  try {
    const word = binlogWord(await readBinlog({ query: session.query, close: async () => {} }));
    // What the server has removed can't be counted.
    if (word.wrong(through).length > 0) return null;
    const { bytes, transactions } = word.behind(through);
    if (transactions !== undefined) return { count: transactions, unit: 'transactions' };
    return bytes === null ? null : { count: bytes, unit: 'bytes' };
  } catch (error) {
    throw asRowsealError(error, 'asking the server');
  }
}

/** A hash where the account is the kit's, or to be made, and the configured password is not the one it has. */
function passwordFor(
  { account, kit, server, variables }: PreflightFacts,
  { flavor }: PreflightWish,
  target: ConnectionTarget,
): StoredPassword | null {
  const { password } = target.config;
  if (typeof password !== 'string' || password === '' || server.flavor !== flavor) return null;
  const rounds = Number(variables['caching_sha2_password_digest_rounds'] ?? 5000);
  const ours = account === null || (kit?.made ?? []).includes(account.name);
  if (!ours) return null;
  const fits = account?.stored != null && account.locked !== true && fitsStored(password, account.stored);
  return fits ? null : storedPassword(password, flavor, rounds);
}

/** ER_LOCK_WAIT_TIMEOUT; ER_BINLOG_CREATE_ROUTINE_NEED_SUPER. */
const [LOCKED, NEEDS_TRUST] = [1205, 1419];

async function runStep(session: Session, step: Step): Promise<void> {
  const { title } = step;
  try {
    for (const statement of statementsIn(step)) await session.query(statement);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === LOCKED)
      throw new RowsealError('source_misconfigured', `${title}: the table is locked by somebody else.`, {
        cause: error,
        hint: 'Run setup again when its long transactions are over; what is done stays done.',
      });
    if (errno === NEEDS_TRUST)
      throw new RowsealError(
        'source_misconfigured',
        `${title}: the admin may not create triggers while the binlog is on.`,
        {
          cause: error,
          hint: 'SET GLOBAL log_bin_trust_function_creators = ON (a managed server: its parameter group), or give an admin with SUPER; then run setup again.',
        },
      );
    throw asRowsealError(error, title);
  }
}
