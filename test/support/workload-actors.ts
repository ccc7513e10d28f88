/**
 * How sessions of the workload say who acts, in any engine's SQL, and which attribution their changes must have then by
 * docs/applications.md.
 */
import type { Random } from './random.ts';
import type { ExpectedActor } from './shadow.ts';

export interface Said {
  readonly sql: string;
  readonly expected: ExpectedActor;
}

/** The workload's databases are in Unicode. */
const IDS = ['u_1', 'u_8842', "o'neil", 'ü-é', 'a b', 'x/y', '😀'];

/** What the login tells, when nobody says anything. `id` is the login as the server names it. */
export function loginActor(user: string, id: string, via: string): ExpectedActor {
  return user === 'cron_job'
    ? { tier: 'connection', via: 'rule', actor: { type: 'system', id: 'cron' } }
    : { tier: 'connection', via, actor: { type: 'login', id } };
}

/** `call`: the statement that hands the context over. */
export function assertion(random: Random, call: (json: string) => string): Said {
  const actor = { type: random.pick(['user', 'service']), id: random.pick(IDS) };
  const detailed = random.chance(0.5) ? { ...actor, email: 'ana@example.com', role: 'admin' } : actor;
  const envelope = { actor: detailed, session: 's_7', request: `r-${random.below(100)}` };
  return {
    sql: call(JSON.stringify(envelope)),
    expected: { tier: 'asserted', via: 'message', ...envelope },
  };
}

/** `set`: the statement that sets the session's actor. */
export function actorSetting(random: Random, set: (text: string) => string): Said {
  const actor = { type: 'user', id: random.pick(IDS) };
  const plain = random.chance(0.5);
  return {
    sql: set(plain ? actor.id : JSON.stringify({ actor, session: 's_8' })),
    expected: { tier: 'session', via: 'setting', actor, ...(plain ? {} : { session: 's_8' }) },
  };
}

/** In sqlcommenter's form, to be put behind a statement. */
export function comment(random: Random): Said {
  const id = random.pick(IDS);
  const request = `r/${random.below(100)}`;
  const encoded = (text: string) => encodeURIComponent(text).replaceAll("'", '%27');
  return {
    sql: ` /*actor='${encoded(id)}',db_driver='x',request_id='${encoded(request)}'*/`,
    expected: { tier: 'annotated', via: 'comment', actor: { type: 'user', id }, request },
  };
}
