/**
 * One session of the workload as far as attribution goes: how it says who acts, and which attribution its changes must
 * have by docs/applications.md, on tables with our triggers (`attached`) and on others (`plain`).
 */

import { quote } from './mysql-workload-values.ts';
import type { Random } from './random.ts';
import type { Expected, ExpectedActor } from './shadow.ts';
import { actorSetting, assertion, comment, loginActor } from './workload-actors.ts';

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

export function createSessionState(login: string, carrier: Carrier): SessionState {
  /** @rowseal_actor, which outlives a transaction. */
  let setting: ExpectedActor | null = null;
  let known = NOTHING;
  let stack: Known[] = [];
  const byLogin = (via: string) => loginActor(login, loginOf(login), via);

  return {
    contextualise(random) {
      if (carrier === 'context') {
        const { sql, expected } = assertion(random, (json) => `CALL rowseal.set_context(${quote(json)})`);
        known = { ...known, asserted: expected };
        return sql;
      }
      if (carrier !== 'setting') return null;
      if (random.chance(0.2)) {
        setting = null;
        return 'SET @rowseal_actor = NULL';
      }
      const { sql, expected } = actorSetting(random, (text) => `SET @rowseal_actor = ${quote(text)}`);
      setting = expected;
      return sql;
    },
    speak(random, onAttached) {
      const remark = carrier === 'comment' && random.chance(0.8) ? comment(random) : null;
      const own = setting ?? remark?.expected ?? byLogin('trigger');
      const live: Expected = [byLogin('performance_schema'), NONE];
      // A statement on tables of both kinds: our trigger may have spoken, if it changed a row of its table.
      const otherwise = [known.announced ?? live, onAttached ? own : []].flat();
      const expect: MysqlExpectation = {
        attached: known.asserted ?? own,
        plain: known.asserted ?? remark?.expected ?? otherwise,
        wordless: {
          attached: known.asserted ?? setting ?? byLogin('trigger'),
          plain: known.asserted ?? otherwise,
        },
      };
      return { comment: remark?.sql ?? '', expect: quote(JSON.stringify(expect)) };
    },
    announced() {
      known = { ...known, announced: setting ?? byLogin('trigger') };
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
