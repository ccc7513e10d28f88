/**
 * One session of the workload as far as attribution goes: how it says who acts, and which attribution its changes
 * must have by DESIGN section 5, on tables with our context triggers (`attached`) and on others (`plain`).
 */
import type pg from 'pg';
import type { Random } from './random.ts';
import type { ExpectedActor } from './shadow.ts';
import type { Statement } from './workload-statements.ts';
import { quote } from './workload-values.ts';

export type Carrier = 'context' | 'application' | 'setting' | 'comment' | 'none';

export interface SessionState {
  /** SQL between two transactions. */
  between(random: Random): string[];
  /** Says anew who acts, inside a transaction, where the carrier can. */
  contextualise(client: pg.Client, random: Random): Promise<void>;
  run(client: pg.Client, statement: Statement, random: Random): Promise<void>;
  savepoint(): void;
  rollbackTo(place: number): void;
  release(): void;
  /** The transaction is over. */
  forget(): void;
  reconnected(): void;
}

interface Known {
  /** By set_context. */
  readonly asserted: ExpectedActor | null;
  /** What our triggers' last message said. */
  readonly announced: ExpectedActor | null;
  /** SET LOCAL rowseal.actor. */
  readonly setting: ExpectedActor | null;
}

const NOTHING: Known = { asserted: null, announced: null, setting: null };
const NONE: ExpectedActor = { tier: 'none', actor: { type: 'unknown' } };
const IDS = ['u_1', 'u_8842', "o'neil", 'ü-é', 'a b', 'x/y'];

export function createSessionState(login: string, carrier: Carrier): SessionState {
  let application: ExpectedActor | null = null;
  let known = NOTHING;
  let stack: Known[] = [];
  /** Whether the transaction has an id already: then our BEFORE triggers speak before the rows. */
  let wrote = false;

  const own = (comment: ExpectedActor | null): ExpectedActor =>
    known.setting ?? application ?? comment ?? loginActor(login);

  return {
    between(random) {
      if (carrier !== 'application' || (application !== null && random.chance(0.8))) return [];
      const id = random.pick(['u_1', 'u_2', 'u_3']);
      application = {
        tier: 'session',
        via: 'application_name',
        actor: { type: 'user', id },
        session: `s_${id}`,
      };
      return [`set application_name = 'billing actor=${id} session=s_${id}'`];
    },
    async contextualise(client, random) {
      if (carrier === 'context') {
        const { sql, expected } = assertion(random);
        await client.query(sql);
        known = { ...known, asserted: expected };
        wrote = true;
      } else if (carrier === 'setting') {
        const { sql, expected } = setting(random);
        await client.query(sql);
        known = { ...known, setting: expected };
      }
    },
    async run(client, { sql, op, attached }, random) {
      const remark = carrier === 'comment' && random.chance(0.8) ? comment(random) : null;
      const now = own(remark?.expected ?? null);
      const before = attached && (op === 'insert' || op === 'truncate' || wrote);
      if (before) known = { ...known, announced: now };
      const expect = {
        attached: known.asserted ?? now,
        plain: known.asserted ?? known.announced ?? NONE,
      };
      const text = `set local shadow.expect = ${quote(JSON.stringify(expect))}; ${sql}${remark?.sql ?? ''}`;
      const results = (await client.query(text)) as unknown as pg.QueryResult[];
      wrote ||= before || (results.at(-1)?.rowCount ?? 0) > 0 || (await hasId(client));
      if (attached && wrote) known = { ...known, announced: now };
    },
    savepoint: () => void stack.push(known),
    rollbackTo(place) {
      known = stack[place] as Known;
      stack.length = place + 1;
    },
    release: () => void stack.pop(),
    forget() {
      known = NOTHING;
      stack = [];
      wrote = false;
    },
    reconnected() {
      application = null;
    },
  };
}

/** An UPDATE that found its row changed by somebody else may have an id and no row. */
async function hasId(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query('select pg_current_xact_id_if_assigned() is not null as assigned');
  return rows[0]?.assigned === true;
}

function loginActor(login: string): ExpectedActor {
  return login === 'cron_job'
    ? { tier: 'connection', via: 'rule', actor: { type: 'system', id: 'cron' } }
    : { tier: 'connection', via: 'trigger', actor: { type: 'login', id: login } };
}

function assertion(random: Random): { sql: string; expected: ExpectedActor } {
  const actor = { type: random.pick(['user', 'service']), id: random.pick(IDS) };
  const detailed = random.chance(0.5) ? { ...actor, email: 'ana@example.com', role: 'admin' } : actor;
  const envelope = { actor: detailed, session: 's_7', request: `r-${random.below(100)}` };
  return {
    sql: `select rowseal.set_context(${quote(JSON.stringify(envelope))})`,
    expected: { tier: 'asserted', via: 'message', ...envelope },
  };
}

function setting(random: Random): { sql: string; expected: ExpectedActor } {
  const actor = { type: 'user', id: random.pick(IDS) };
  const plain = random.chance(0.5);
  const text = plain ? actor.id : JSON.stringify({ actor, session: 's_8' });
  return {
    sql: `set local rowseal.actor = ${quote(text)}`,
    expected: { tier: 'session', via: 'setting', actor, ...(plain ? {} : { session: 's_8' }) },
  };
}

function comment(random: Random): { sql: string; expected: ExpectedActor } {
  const id = random.pick(IDS);
  const request = `r/${random.below(100)}`;
  const encoded = (text: string) => encodeURIComponent(text).replaceAll("'", '%27');
  return {
    sql: ` /*actor='${encoded(id)}',db_driver='x',request_id='${encoded(request)}'*/`,
    expected: { tier: 'annotated', via: 'comment', actor: { type: 'user', id }, request },
  };
}
