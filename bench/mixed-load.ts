/**
 * A mixed load, always the same: five tables, inserts, updates under FULL, deletes, jsonb, 5,000 actors and three kinds of
 * context, lengths that vary, now and then DDL. It plays a year of a shop into a recorder, without a database. What is fast
 * on one shape of row alone, since neighbours are alike, is not fast on this.
 */
import {
  type Column,
  NULL,
  type Relation,
  RowImage,
  TEXT,
  type ValueEncoding,
} from '../src/change/change.ts';
import type { Recorder } from '../src/change/recorder/recorder.ts';

export interface MixedLoad {
  /** Plays one transaction of about four changes; gives their number. */
  transaction(): number;
  /** The time of the last transaction, in ms since the epoch. */
  readonly now: () => number;
}

const TEXT_COLUMN: ValueEncoding = { as: 'string' };
const PLAIN: ValueEncoding = { as: 'string', plain: true };
const INTEGER: ValueEncoding = { as: 'number' };
const JSONB: ValueEncoding = { as: 'json', trusted: true };

const ORDERS = relation('1', 'public', 'orders', ['id'], {
  id: ['bigint', PLAIN],
  customer: ['integer', INTEGER],
  quantity: ['integer', INTEGER],
  amount: ['numeric(12,2)', PLAIN],
  status: ['text', TEXT_COLUMN],
  note: ['text', TEXT_COLUMN],
  created_at: ['timestamp with time zone', PLAIN],
  extra: ['jsonb', JSONB],
});
const PAYMENTS = relation('2', 'public', 'payments', ['id'], {
  id: ['bigint', PLAIN],
  order_id: ['bigint', PLAIN],
  amount: ['numeric(12,2)', PLAIN],
  card: ['jsonb', JSONB],
  state: ['text', TEXT_COLUMN],
});
const USERS = relation('3', 'public', 'users', ['id'], {
  id: ['bigint', PLAIN],
  email: ['text', TEXT_COLUMN],
  name: ['text', TEXT_COLUMN],
  profile: ['jsonb', JSONB],
});
const ROLES = relation('4', 'security', 'user_roles', ['user_id', 'role'], {
  user_id: ['bigint', PLAIN],
  role: ['text', TEXT_COLUMN],
  granted_by: ['text', TEXT_COLUMN],
});
const ITEMS = relation('5', 'public', 'order_items', ['order_id', 'line'], {
  order_id: ['bigint', PLAIN],
  line: ['integer', INTEGER],
  sku: ['text', TEXT_COLUMN],
  qty: ['integer', INTEGER],
  price: ['numeric(10,2)', PLAIN],
});

const STATES = ['open', 'paid', 'packed', 'shipped', 'delivered', 'returned'];
const CITIES = ['Graz', 'Linz', 'Wien', 'Wels', 'Steyr'];
const WORDS =
  'refund urgent customer called twice gift wrap please deliver after six leave with neighbour invoice wrong address fragile express discount loyalty chargeback disputed address corrected manual override approved by phone weekend batch import correction'.split(
    ' ',
  );
const START = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

type Row = readonly string[];

/** `changes` and `days`: over how much time how many changes are spread. */
export function createMixedLoad(recorder: Recorder, changes: number, days: number): MixedLoad {
  const random = createRandom();
  const shop = createShop(recorder, random);
  const stepMs = (days * DAY_MS) / changes;
  let now = START;
  let number = 0;
  return {
    now: () => now,
    transaction() {
      number += 1;
      const count = 1 + Math.floor(-Math.log(1 - random.share()) * 3);
      // Busy by day, quiet by night.
      now += stepMs * count * (0.2 + 1.6 * Math.sin(((now % DAY_MS) / DAY_MS) * Math.PI) ** 2);
      recorder.begin({ id: String(700 + number), position: lsn(number * 64), time: timeText(now, random) });
      const context = contextOf(number, now, random);
      if (context !== null) recorder.message('rowseal.context', Buffer.from(context));
      for (let i = 0; i < count; i++) {
        shop.change(now);
        if (random.share() < 0.0002) recorder.message('rowseal.ddl', Buffer.from(ddl(random)));
      }
      recorder.commit(lsn(number * 64 + 32));
      return count;
    },
  };
}

/** What stands in the tables, and one change of it. */
function createShop(recorder: Recorder, random: Random) {
  const [before, after] = [new RowImage(8), new RowImage(8)];
  const orders: Row[] = [];
  const payments: Row[] = [];
  const users: Row[] = [];
  let made = 0;
  const { below, pick } = random;
  const insert = (table: Relation, cells: Row) =>
    recorder.row('insert', table, null, false, fill(after, cells));
  const remove = (table: Relation, cells: Row) =>
    recorder.row('delete', table, fill(before, cells), false, null);
  const update = (table: Relation, rows: Row[], at: number, change: (cells: string[]) => void) => {
    const next = [...rows[at]!];
    change(next);
    recorder.row('update', table, fill(before, rows[at]!), false, fill(after, next));
    rows[at] = next;
  };
  const orderId = () => orders[below(orders.length)]![0]!;

  const newOrder = (now: number) => {
    const amount = `${below(100_000)}.${String(below(100)).padStart(2, '0')}`;
    const created = timeText(now, random).replace('T', ' ').replace('Z', '+00');
    const extra = `{"channel":"${pick(['web', 'app', 'phone'])}","ship_to":{"zip":"${10_000 + below(89_999)}","city":"${pick(CITIES)}"},"n":${below(1e9)}}`;
    const numbers = [String(below(20_000)), String(below(7))];
    const order = [large(++made), ...numbers, amount, 'open', sentence(random), created, extra];
    orders.push(order);
    insert(ORDERS, order);
  };
  const changeOrder = () => {
    // Young orders change most.
    const at =
      orders.length - 1 - Math.min(orders.length - 1, Math.floor(orders.length * random.share() ** 4));
    const what = below(4);
    update(ORDERS, orders, at, (cells) => {
      if (what < 2) cells[4] = pick(STATES);
      else if (what === 2) cells[5] = sentence(random);
      else cells[7] = cells[7]!.replace(/"city":"[^"]*"/, `"city":"${pick(CITIES)}"`);
    });
  };
  const dropOrder = () => {
    const at = below(orders.length);
    remove(ORDERS, orders[at]!);
    orders[at] = orders.at(-1)!;
    orders.pop();
  };
  const newPayment = () => {
    const pan = `4${String(below(1e9)).padStart(9, '0')}${String(below(1e6)).padStart(6, '0')}`;
    const card = `{"pan":"${pan}","brand":"visa","holder":{"name":"Person ${below(9999)}"}}`;
    const payment = [String(payments.length + 1), orderId(), `${below(9000)}.00`, card, 'authorised'];
    payments.push(payment);
    insert(PAYMENTS, payment);
  };
  const newUser = () => {
    const id = String(users.length + 1);
    const profile = `{"phone":"+43${below(1e9)}","lang":"de"}`;
    users.push([id, `user${id}@example.com`, `Name ${below(9999)}`, profile]);
    insert(USERS, users.at(-1)!);
  };
  const changeUser = () =>
    update(USERS, users, below(users.length), (cells) => {
      if (below(2) === 1) cells[1] = `user${cells[0]}.${below(99)}@example.org`;
      else cells[3] = `{"phone":"+43${below(1e9)}","lang":"de"}`;
    });
  const changeRole = () => {
    const role = [
      String(1 + below(users.length)),
      pick(['admin', 'support', 'auditor']),
      `u_${random.actor()}`,
    ];
    if (below(3) > 0) insert(ROLES, role);
    else remove(ROLES, role);
  };
  const newItem = () =>
    insert(ITEMS, [
      orderId(),
      String(below(20)),
      `SKU-${below(5000)}`,
      String(1 + below(5)),
      `${below(500)}.99`,
    ]);

  return {
    change(now: number) {
      const which = random.share();
      if (which < 0.14 || orders.length < 100) newOrder(now);
      else if (which < 0.62) changeOrder();
      else if (which < 0.66) dropOrder();
      else if (which < 0.8) newItem();
      else if (which < 0.88 || payments.length === 0) newPayment();
      else if (which < 0.94)
        update(PAYMENTS, payments, below(payments.length), (cells) => {
          cells[4] = pick(['captured', 'refunded', 'failed']);
        });
      else if (which < 0.96 || users.length < 5) newUser();
      else if (which < 0.9985) changeUser();
      else changeRole();
    },
  };
}

/** Most transactions say who acts; some are of services, a few of nobody but their login, very few of nobody. */
function contextOf(number: number, now: number, random: Random): string | null {
  const { below } = random;
  const which = random.share();
  const connection = (login: string) =>
    `"login":"${login}","role":"none","application":"billing-api","address":"10.0.${below(4)}.${below(250)}","pid":${3000 + below(900)}`;
  if (which >= 0.997) return null;
  if (which >= 0.96) return `{"v":1,${connection(`dba_${below(5)}`)}}`;
  if (which >= 0.85) {
    return `{"v":1,"context":{"actor":{"type":"service","id":"svc-${below(12)}"},"request":"job-${number}"},${connection('app')}}`;
  }
  const user = random.actor();
  const actor = `{"type":"user","id":"u_${user}","email":"user${user}@example.com","role":"${user % 20 === 0 ? 'admin' : 'support'}"}`;
  const session = `"session":"s_${user}_${Math.floor(now / 3_600_000)}","request":"req-${number}","ip":"203.0.113.${user % 250}"`;
  const agent = `"user_agent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/14${user % 5}.0"`;
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const trace = `"traceparent":"00-${hex(number * 7919, 32)}-${hex(number % 65_536, 16)}-01"`;
  return `{"v":1,"context":{"actor":${actor},${session},${agent},${trace}},${connection('app')}}`;
}

function ddl({ pick }: Random): string {
  const command = 'GRANT SELECT ON orders TO reporting';
  const tag = pick(['GRANT', 'ALTER TABLE', 'CREATE INDEX']);
  const object = { object_type: 'table', schema: 'public', identity: 'public.orders' };
  const by = { login: 'dba_1', application: 'psql', pid: 1 };
  return JSON.stringify({
    v: 1,
    tag,
    event: 'ddl_command_end',
    ...object,
    command,
    in_extension: false,
    ...by,
  });
}

type Columns = Readonly<Record<string, readonly [type: string, encoding: ValueEncoding]>>;

function relation(
  id: string,
  schema: string,
  table: string,
  primaryKey: string[],
  columns: Columns,
): Relation {
  return {
    id,
    schema,
    table,
    columns: Object.entries(columns).map(
      ([name, [type, encoding]]): Column => ({ name, type, encoding, identity: true }),
    ),
    replicaIdentity: 'full',
    primaryKey,
    ancestors: [],
    contextTrigger: false,
  };
}

/** Cells lie apart, as in a pgoutput tuple: kind byte and length before each. */
function fill(out: RowImage, cells: readonly (string | null)[]): RowImage {
  out.resize(cells.length);
  out.bytes = Buffer.from(cells.map((cell) => `.....${cell ?? ''}`).join(''));
  let at = 0;
  cells.forEach((cell, i) => {
    out.kinds[i] = cell === null ? NULL : TEXT;
    out.starts[i] = at + 5;
    at += 5 + Buffer.byteLength(cell ?? '');
    out.ends[i] = at;
  });
  return out;
}

function large(n: number): string {
  return `90071992547${String(n).padStart(8, '0')}`;
}

function lsn(n: number): string {
  return `0/${n.toString(16).toUpperCase()}`;
}

function timeText(ms: number, { below }: Random): string {
  return `${new Date(ms).toISOString().slice(0, 23)}${String(below(1000)).padStart(3, '0')}Z`;
}

function sentence({ pick }: Random): string {
  return Array.from({ length: 6 }, () => pick(WORDS)).join(' ');
}

interface Random {
  /** From 0 to below 1. */
  share(): number;
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  /** One of 5,000, few of whom do most. */
  actor(): number;
}

/** mulberry32, seeded: the same load each time. */
function createRandom(): Random {
  let seed = 42;
  const share = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (n: number) => Math.floor(share() * n);
  return {
    share,
    below,
    pick: (list) => list[below(list.length)]!,
    actor: () => Math.floor(5000 ** share()) - 1 + below(3),
  };
}
