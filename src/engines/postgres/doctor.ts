/** The checks on a Postgres server: logs in as the capture role, asks through the admin where one is given. */
import { Client } from 'pg';
import { RowsealError } from '../../base/errors.ts';
import type { PostgresSourceConfig, TrailConfig } from '../../config/schema.ts';
import { type PreflightFacts, readFacts, type SlotFacts } from '../../source/postgres/preflight/facts.ts';
import { loginChecks, tryLogin } from '../../source/postgres/preflight/login.ts';
import { preflight } from '../../source/postgres/preflight/preflight.ts';
import type { PreflightWish } from '../../source/postgres/preflight/wish.ts';
import type { ConnectionTarget } from '../../source/postgres/wire/connection.ts';
import { type LoginOf, watchLogin } from '../../source/postgres/wire/login.ts';
import { parseLsn } from '../../source/postgres/wire/lsn.ts';
import { type Check, check, type Unchecked } from '../../source/preflight.ts';
import type { EngineDiagnosis, Environment } from '../common/engine.ts';
import { adminTarget, elsewhere, postgresTarget, preflightWish, sameDatabase } from './target.ts';

export async function diagnosePostgres(
  source: PostgresSourceConfig,
  tables: TrailConfig['tables'],
  env: Environment,
): Promise<EngineDiagnosis> {
  const target = postgresTarget(source, env);
  const wish = preflightWish(source, tables, target);
  const login = await tryLogin(target);
  const checks: Check[] = [];
  const unchecked: Unchecked[] = [];
  const admin = adminTarget(env);
  // A configuration may have several databases; the admin's URL serves the one that it leads to.
  const helps = admin !== null && sameDatabase(admin, target);
  const through = helps ? admin : login.ordinary === null ? target : null;
  let facts: PreflightFacts | null = null;
  if (through === null) {
    unchecked.push({
      what: 'server, slot, publication, kit and tables',
      why: admin === null ? 'no login to ask through' : elsewhere(admin, target),
      fix:
        admin === null
          ? 'Set ROWSEAL_ADMIN_URL to the URL of a superuser to see them before the role is there.'
          : 'Correct the host, port or database in ROWSEAL_ADMIN_URL, or in source.url.',
    });
  } else {
    try {
      facts = await ask(through, wish, helps ? 'admin' : 'capture role');
      checks.push(...preflight(facts, wish));
    } catch (error) {
      if (!(error instanceof RowsealError)) throw error;
      unchecked.push({
        what: 'server, slot, publication, kit and tables',
        why: error.message,
        fix: error.hint,
      });
    }
  }
  // A role that is not there yet cannot log in: that is told once, with what makes it.
  const awaited = facts !== null && facts.role === null && login.ordinary?.code === 'source_refused';
  if (!awaited) checks.unshift(...loginChecks(login, target, facts?.server.hbaReplication ?? []));
  const slot = facts?.slot ?? null;
  const known = facts !== null;
  return { checks, unchecked, judgeHead: (head) => judgeHead(head, slot, known, source.slot) };
}

/** Throws RowsealError. */
async function ask(target: ConnectionTarget, wish: PreflightWish, of: LoginOf): Promise<PreflightFacts> {
  const client = new Client({ ...target.config, application_name: 'rowseal doctor' });
  client.on('error', () => undefined);
  const login = watchLogin(client, target, of);
  try {
    await client.connect();
    return await readFacts(client, wish);
  } catch (error) {
    throw login.explain(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Pure: whether trail and slot belong together (invariants I1 and I5). `slotKnown`: null means that there is none. */
export function judgeHead(
  head: { readonly number: number; readonly through: string } | null,
  slot: Pick<SlotFacts, 'confirmed'> | null,
  slotKnown: boolean,
  slotName: string,
): Check {
  const bad = (what: string, why: string, fix: string) =>
    check('trail', 'trail.head', 'fail', what, { why, fix });
  if (head === null) {
    if (slot === null)
      return check(
        'trail',
        'trail.head',
        'ok',
        slotKnown ? 'no trail and no slot yet: run begins both' : 'no trail yet',
      );
    return bad(
      `slot ${slotName} is there, but its trail is not`,
      'an existing slot without a trail is never taken for a new one: its evidence may lie elsewhere',
      `Point store at the trail; if it is really gone: SELECT pg_drop_replication_slot('${slotName}');`,
    );
  }
  const at = `seal ${head.number}, through ${head.through}`;
  if (!slotKnown) return check('trail', 'trail.head', 'ok', at);
  if (slot === null)
    return bad(
      `${at}, but there is no slot ${slotName}`,
      'somebody dropped it: changes since then are missing',
      `rowseal run -c FILE --accept-gap=${head.through}`,
    );
  if (slot.confirmed !== null && parseLsn(slot.confirmed) > parseLsn(head.through))
    return bad(
      `${at}, but the slot stands at ${slot.confirmed}`,
      'somebody moved it on: what lies between was never sealed',
      `rowseal run -c FILE --accept-gap=${head.through}`,
    );
  return check('trail', 'trail.head', 'ok', at);
}
