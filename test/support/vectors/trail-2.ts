/**
 * The seals of test/vectors/trail-2, of level 2 from the first on: at least one good record of each kind and one of each
 * member that level 2 brings. It tells of a Postgres, by hand: what our writer writes when is for its own tests.
 */
import { hash } from 'node:crypto';
import { keyRecord, type Loose, OTHER_SIGNER, type SealDraft, SIGNER } from '../trail-builder.ts';
import { createDraftList } from './draft-list.ts';
import { access, begun, cut, cutRest, sent, session, stated } from './orders.ts';
import {
  baselines,
  differences,
  differentRun,
  equalRun,
  firstRun,
  PEOPLE,
  PEOPLE_COLUMNS,
  shortRun,
} from './people.ts';
import { gap, lifecycle, relation, written } from './records.ts';
import { mlDsaKey, salt } from './throwaway.ts';

export const RETAINED = '2099-01-01T00:00:00Z';
/** The seal that has a second one beside it, which lost. */
export const RACED = 8;

const SERVER = '7714390475538264528/1';

/** `lost`: what the last seal but one left behind when it raced another writer. */
export function draftsOfTrail2(lost: readonly string[]): SealDraft[] {
  const list = createDraftList(RETAINED);
  const [first, then] = [SIGNER, OTHER_SIGNER];
  const witness = (position: string, xid: number): Loose => ({
    position,
    xid,
    time: '2026-11-21T20:00:02.123456Z',
    server: SERVER,
  });
  const source = (from: string, through: string, transactions: number, more: Loose): Loose => ({
    from: `0/16B${from}`,
    through: `0/16B${through}`,
    transactions,
    level: 2,
    incarnation: SERVER,
    stream: 'pgoutput rowseal',
    ...more,
  });

  const start = list.put(
    begun(),
    source('3000', '4230', 2, {
      state: { policy: 1, capture: 2 },
      witness: witness('0/16B4200', 772),
      clock: { database_ms: 12, store_ms: 340 },
    }),
    { reason: 'start', signer: first },
  );
  const capture = start['trail']! + 2;
  list.put({}, source('4230', '4230', 2, { state: { policy: 1, capture }, clock: { database_ms: -7 } }), {
    reason: 'idle',
    signer: first,
  });
  const { trail: told } = list.put(stated(), source('4230', '4330', 3, {}), { reason: 'age', signer: first });
  const [tamper, hole, policy] = [told!, told! + 1, told! + 2];
  const state = (...open: number[]): Loose => ({ state: { policy, capture, open } });
  Object.assign(list.drafts[2]!.source!, state(tamper, hole));

  const partial = { position: '0/16B4400', next: 3 };
  const { trail: inside } = list.put(cut(), source('4330', '4330', 4, { partial }), {
    reason: 'size',
    signer: first,
  });
  Object.assign(list.drafts[3]!.source!, state(tamper, hole, inside!));
  const { trail: rest } = list.put(cutRest(hole), source('4330', '4530', 5, {}), {
    reason: 'count',
    signer: first,
  });
  const open = [tamper, inside!, rest!];
  Object.assign(list.drafts[4]!.source!, state(...open));

  const { people } = list.put(
    {
      trail: [firstRun(5)],
      people: [
        relation(PEOPLE, 'people', PEOPLE_COLUMNS, ['no'], {
          replica_identity: 'index',
          salt: salt('again', 8),
        }),
        ...baselines(5),
      ],
    },
    source('4530', '4530', 5, state(...open)),
    { reason: 'age', signer: first },
  );
  const accepted = gap(6, '0/16B4530', '0/16B9000', 'accepted: the slot was lost', { details: {} });
  list.put(
    {
      trail: [accepted, equalRun(6), differentRun(6), shortRun(6)],
      people: differences(6, people! + 1),
      logins: [session(1, 6, 'login', 'success'), session(2, 6, 'login', 'failure')],
    },
    source('9000', '9000', 5, {
      ...state(...open),
      log: [{ file: 'postgresql-Sat.json', digest: hash('sha256', 'as far as it was read'), offset: 21 }],
    }),
    {
      reason: 'gap',
      signer: first,
      seal: { gaps: [{ from: '0/16B4530', to: '0/16B9000' }] },
    },
  );
  const logKeys = keyRecord(then.key.vkey, mlDsaKey(7).vkey);
  const key: Loose = { ...JSON.parse(logKeys), time: written(7) };
  list.put(
    { trail: [key], logins: [session(3, 7, 'statement', 'denied')], reads: [access(7)] },
    source('9000', '9000', 5, state(...open)),
    { reason: 'rotate', signer: first, also: [then], seal: { next_key: then.key.vkey } },
  );
  list.put(
    { default: [sent()] },
    source('9000', '9630', 6, { ...state(...open), witness: witness('0/16B4600', 776) }),
    {
      reason: 'age',
      signer: then,
    },
  );
  list.put({ trail: [lifecycle(9, 'stopped')] }, source('9630', '9630', 6, state(...open)), {
    reason: 'stop',
    signer: then,
    seal: { abandoned: lost },
  });
  return [...list.drafts];
}

/** The trail as far as the seal that lost the race. */
export function draftsOfLoser(): SealDraft[] {
  const drafts = draftsOfTrail2([]).slice(0, RACED + 1);
  drafts[RACED] = {
    ...drafts[RACED]!,
    records: { default: [JSON.stringify(sent({}))] },
    sealedAt: `2026-11-21T20:01:0${RACED}.500Z`,
  };
  return drafts;
}
