/**
 * One session of the workload as far as attribution goes: how it says who acts, and which attribution its changes
 * must have by docs/applications.md, on tables with our context triggers (`attached`) and on others (`plain`).
 */
import type pg from 'pg';
import type { Random } from './random.ts';
import type { ExpectedActor } from './shadow.ts';
import { actorSetting, assertion, comment, loginActor } from './workload-actors.ts';
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

export function createSessionState(login: string, carrier: Carrier): SessionState {
  let application: ExpectedActor | null = null;
  let known = NOTHING;
  let stack: Known[] = [];
  /** Whether the transaction has an id already: then our BEFORE triggers speak before the rows. */
  let wrote = false;

  const own = (comment: ExpectedActor | null): ExpectedActor =>
    known.setting ?? application ?? comment ?? loginActor(login, login, 'trigger');

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
        const { sql, expected } = assertion(random, (json) => `select rowseal.set_context(${quote(json)})`);
        await client.query(sql);
        known = { ...known, asserted: expected };
        wrote = true;
      } else if (carrier === 'setting') {
        const { sql, expected } = actorSetting(random, (text) => `set local rowseal.actor = ${quote(text)}`);
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
