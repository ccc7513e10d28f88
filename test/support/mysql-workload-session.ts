/**
 * One session of the workload as far as attribution goes: how it says who acts, and which attribution its changes must
 * have by DESIGN section 5, on tables with our triggers (`attached`) and on others (`plain`).
 */

import { quote } from './mysql-workload-values.ts';
import type { Random } from './random.ts';
import type { Expected, ExpectedActor } from './shadow.ts';

export type Carrier = 'context' | 'setting' | 'comment' | 'none';

export interface SessionState {
  /** SQL that says anew who acts, inside a transaction, where the carrier can; null where there is nothing to say. */
  contextualise(random: Random): string | null;
  /** What goes behind a statement, and what its changes must be attributed to (MysqlExpectation, as a literal). */
  speak(random: Random, onAttached: boolean): { readonly comment: string; readonly expect: string };
  /** A statement on a table with our triggers changed rows. */
  announced(): void;
  savepoint(): void;
  rollbackTo(place: number): void;
  release(): void;
  /** The transaction is over. */
  forget(): void;
  reconnected(): void;
}

/** What @shadow_expect holds. */
export interface MysqlExpectation {
  readonly attached: Expected;
  readonly plain: Expected;
  /** Where the server does not log the statement's text, and with it its comment. */
  readonly wordless: { readonly attached: Expected; readonly plain: Expected };
}

interface Known {
  /** By set_context. */
  readonly asserted: ExpectedActor | null;
  /** What our triggers' last row said. */
  readonly announced: ExpectedActor | null;
}

const NOTHING: Known = { asserted: null, announced: null };
const NONE: ExpectedActor = { tier: 'none', actor: { type: 'unknown' } };
const IDS = ['u_1', 'u_8842', "o'neil", 'ü-é', 'a b', 'x/y', '😀'];

export function createSessionState(login: string, carrier: Carrier): SessionState {
  /** @rowseal_actor, which outlives a transaction. */
  let setting: ExpectedActor | null = null;
  let known = NOTHING;
  let stack: Known[] = [];

  return {
    contextualise(random) {
      if (carrier === 'context') {
        const { sql, expected } = assertion(random);
        known = { ...known, asserted: expected };
        return sql;
      }
      if (carrier !== 'setting') return null;
      if (random.chance(0.2)) {
        setting = null;
        return 'SET @rowseal_actor = NULL';
      }
      const { sql, expected } = actorSetting(random);
      setting = expected;
      return sql;
    },
    speak(random, onAttached) {
      const remark = carrier === 'comment' && random.chance(0.8) ? comment(random) : null;
      const own = setting ?? remark?.expected ?? loginActor(login, 'trigger');
      const live: Expected = [loginActor(login, 'performance_schema'), NONE];
      // A statement on tables of both kinds: our trigger may have spoken, if it changed a row of its table.
      const otherwise = [known.announced ?? live, onAttached ? own : []].flat();
      const expect: MysqlExpectation = {
        attached: known.asserted ?? own,
        plain: known.asserted ?? remark?.expected ?? otherwise,
        wordless: {
          attached: known.asserted ?? setting ?? loginActor(login, 'trigger'),
          plain: known.asserted ?? otherwise,
        },
      };
      return { comment: remark?.sql ?? '', expect: quote(JSON.stringify(expect)) };
    },
    announced() {
      known = { ...known, announced: setting ?? loginActor(login, 'trigger') };
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
    },
    reconnected() {
      setting = null;
    },
  };
}

/** As the server's USER() says it: the servers of the tests look up no names. */
export function loginOf(user: string): string {
  return `${user}@127.0.0.1`;
}

export function loginActor(user: string, via: string): ExpectedActor {
  return user === 'cron_job'
    ? { tier: 'connection', via: 'rule', actor: { type: 'system', id: 'cron' } }
    : { tier: 'connection', via, actor: { type: 'login', id: loginOf(user) } };
}

function assertion(random: Random): { sql: string; expected: ExpectedActor } {
  const actor = { type: random.pick(['user', 'service']), id: random.pick(IDS) };
  const detailed = random.chance(0.5) ? { ...actor, email: 'ana@example.com', role: 'admin' } : actor;
  const envelope = { actor: detailed, session: 's_7', request: `r-${random.below(100)}` };
  return {
    sql: `CALL rowseal.set_context(${quote(JSON.stringify(envelope))})`,
    expected: { tier: 'asserted', via: 'message', ...envelope },
  };
}

function actorSetting(random: Random): { sql: string; expected: ExpectedActor } {
  const actor = { type: 'user', id: random.pick(IDS) };
  const plain = random.chance(0.5);
  const text = plain ? actor.id : JSON.stringify({ actor, session: 's_8' });
  return {
    sql: `SET @rowseal_actor = ${quote(text)}`,
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
