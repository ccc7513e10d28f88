/**
 * Tables of the hand-made trail whose changes it tells: orders, with a key; a ledger, which has none; customers, by an
 * identity that is not their key. With them what its seals hold of class trail, of sessions and of readers.
 */
import { genesis, type Loose, SIGNER } from '../trail-builder.ts';
import type { Records } from './draft-list.ts';
import { PEOPLE, PEOPLE_COLUMNS } from './people.ts';
import {
  acted,
  beforeOf,
  gap,
  insert,
  lifecycle,
  type RowDraft,
  relation,
  update,
  written,
} from './records.ts';
import { observed, STATEMENTS } from './statements.ts';
import { hmac, mlDsaKey, salt, sealed } from './throwaway.ts';

const ORDERS = { schema: 'public', table: 'orders' };
const LEDGER = { schema: 'public', table: 'ledger', key: null };
const orderOf = (state: string, total: string): RowDraft => ({
  row: { id: '42', customer: 7, state, total },
});
const ORDER = orderOf('open', '10.90');
const ORDER_COLUMNS = [
  { name: 'id', type: 'bigint', encoding: 'string', number: 1 },
  { name: 'customer', type: 'integer', encoding: 'number', number: 2 },
  { name: 'state', type: 'text', encoding: 'string', number: 3 },
  { name: 'total', type: 'numeric(10,2)', encoding: 'string', number: 5 },
];
const IDENTITY = ORDER_COLUMNS.map(({ name }) => name);
const LEDGER_COLUMNS = [{ name: 'entry', type: 'jsonb', encoding: 'json', number: 1 }];
const AGENT = { type: 'agent', id: 'restocker', on_behalf_of: { type: 'user', id: 'u_8842' } };

const order = (id: string): Loose => ({ ...ORDERS, key: { id } });
const isNull = { encoded: { '/patch/0/value/entry': 'json' } };

const captured = (rule: string): Loose[] => [
  {
    ...ORDERS,
    oid: 16390,
    rule,
    class: 'default',
    columns: ORDER_COLUMNS.map(({ name, number }) => ({ name, number })),
  },
  {
    ...PEOPLE,
    rule: 'public.*',
    class: 'people',
    columns: PEOPLE_COLUMNS.map(({ name, number, ...rest }) => ({
      name,
      number,
      ...('redaction' in rest ? { redaction: rest.redaction } : {}),
    })),
  },
];

/** Class trail: genesis, the policy, what the first look found. */
export const begun = (): Records => ({
  trail: [
    JSON.parse(
      genesis(SIGNER.key.vkey, {
        source: { type: 'postgres', incarnation: '7714390475538264528/1' },
        log_keys: [SIGNER.key.vkey, mlDsaKey(6).vkey],
      }),
    ) as Loose,
    lifecycle(0, 'started', {
      configuration: { tables: [{ match: 'public.*', class: 'default' }] },
      captured: captured('public.*'),
    }),
    lifecycle(0, 'capture', { tables: [{ table: 'public.orders', identity: 'full' }], problems: [] }),
  ],
  default: [
    relation({ ...ORDERS, oid: 16390 }, 'default', ORDER_COLUMNS, IDENTITY),
    insert(1, 1, order('42'), ORDER.row),
    update(2, 1, order('42'), { state: ['open', 'paid'] }, { before: beforeOf(ORDER), reason: 'in cash' }),
    relation({ schema: 'public', table: 'ledger', oid: 16411 }, 'default', LEDGER_COLUMNS, ['entry'], {
      key: [],
    }),
    // Nothing identifies the row, so it is told whole. JSON's own null is not SQL's.
    acted('change', 'update', 2, 2, {
      target: LEDGER,
      image: 'full',
      patch: [
        { op: 'test', path: '', value: { entry: 'null' } },
        { op: 'replace', path: '', value: { entry: null } },
      ],
      ...isNull,
    }),
    insert(2, 3, LEDGER, { entry: 'null' }, isNull),
  ],
  people: [
    relation(PEOPLE, 'people', PEOPLE_COLUMNS, ['no'], {
      replica_identity: 'index',
      salt: salt('relation', 8),
    }),
    // The key is not known: it is no part of the identity, and no old row was sent.
    acted('change', 'update', 2, 4, {
      target: { schema: PEOPLE.schema, table: PEOPLE.table, key: { no: 'C-2' } },
      image: 'key',
      patch: [{ op: 'replace', path: '/tax_no', value: sealed('DE22', 's-2_kq9') }],
      encoded: { '/patch/0/value': 'sealed' },
      salt: salt('2:4', 8),
    }),
  ],
});

/** Class trail: a tamper record, a gap within the stream, the policy of now. */
export const stated = (): Records => ({
  trail: [
    { kind: 'tamper', time: written(2), what: 'trigger_disabled', details: { table: 'public.orders' } },
    gap(2, '0/16B3800', '0/16B3F00', 'ancestry_unknown', { details: { table: 'public.part_7' } }),
    lifecycle(2, 'tables', { captured: captured('public.orders') }),
    ...STATEMENTS,
    observed(2),
  ],
  default: [
    // Which column was which is not known: Postgres has no numbers then.
    relation(
      { ...ORDERS, oid: 16390 },
      'default',
      ORDER_COLUMNS.map(({ number: _, ...column }) => column),
      IDENTITY,
      { numbers: 'lost', ancestry: 'lost' },
    ),
  ],
});

/** Transaction 4 as far as its index 2; class trail: a tamper record. */
export const cut = (): Records => ({
  trail: [
    acted('tamper', '', 4, 2, {
      actor: { type: 'login', id: 'dba' },
      attribution: { tier: 'connection', via: 'trigger' },
      action: undefined,
      target: undefined,
      what: 'context_missing',
      details: { table: 'public.orders' },
    }),
  ],
  default: [
    update(
      4,
      1,
      order('42'),
      { total: ['10.90', '9.90'] },
      { actor: AGENT, before: beforeOf(orderOf('paid', '10.90')) },
    ),
  ],
});

/** The rest of it and one more; class trail: a gap inside the transaction, and an answer for the leaf `seen`. */
export const cutRest = (seen: number): Records => ({
  trail: [
    gap(4, '0/16B4400', '0/16B4400', 'value_too_large', {
      id: 'made:4:5',
      transaction: { id: '774', position: '0/16B4400', number: 4, index: 5 },
    }),
    {
      kind: 'acknowledged',
      time: written(4),
      leaf: seen,
      reason: 'the partition was empty',
      who: { user: 'auditor', host: 'desk-3' },
      signature: 'of whoever answers',
    },
  ],
  default: [
    acted('change', 'delete', 4, 4, {
      target: order('41'),
      image: 'full',
      patch: [
        { op: 'test', path: '', value: { ...ORDER.row, id: '41' } },
        { op: 'remove', path: '' },
      ],
    }),
    acted('change', 'truncate', 5, 1, {
      target: LEDGER,
      options: { cascade: false, restart_identity: false },
      actor: { type: 'login', id: 'dba' },
      attribution: { tier: 'logged', via: 'rule' },
    }),
  ],
});

/** Somebody's session, as the server's log told it. */
export const session = (number: number, seal: number, action: string, outcome: string): Loose => ({
  kind: 'auth',
  id: `made:log:${number}`,
  time: written(seal),
  actor: { type: 'login', id: 'dba' },
  attribution: { tier: 'logged' },
  action,
  target: { database: 'shop' },
  outcome,
  ...(outcome === 'success' ? {} : { code: outcome === 'failure' ? '28P01' : '42501' }),
  connection: { user: 'dba', application: 'psql', address: '192.0.2.7' },
});

export const access = (seal: number): Loose => ({
  kind: 'access',
  time: written(seal),
  actor: { type: 'user', id: 'auditor' },
  attribution: { tier: 'signed' },
  action: 'show',
  target: { trail: 'audit.example.com/made' },
  outcome: 'success',
});

/** Transaction 6, and another one that was written in its place: with all that an application may say, or without. */
export function sent(more: Loose = SAID): Loose {
  const before = beforeOf(orderOf('paid', '9.90'));
  return update(6, 1, order('42'), { state: ['paid', 'sent'] }, { before, ...more });
}

const SAID: Loose = {
  session: 's_1',
  request: 'r_1',
  ip: hmac('192.0.2.8'),
  user_agent: 'shop/7',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  extra: { tenant: 'north' },
  connection: { user: 'app', application: 'shop', address: '192.0.2.9', pid: 77 },
  encoded: { '/ip': 'hmac' },
};
