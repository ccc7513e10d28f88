import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonical,
  column,
  exactJson,
  image,
  member,
  relation,
  text,
  textSink,
} from '../../test/support/plain-record.ts';
import type { Relation } from './change.ts';
import { compilePolicy } from './policy.ts';
import { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts';
import type { Progress } from './sink.ts';
import type { Spool } from './spool.ts';

const columns = [column('id', { as: 'number' }, true), column('v', { as: 'string' })];
const orders = relation(columns, { table: 'orders', primaryKey: ['id'] });
const watched = relation(columns, { id: '2', table: 'watched', primaryKey: ['id'], contextTrigger: true });
const money = relation(columns, { id: '3', table: 'money', primaryKey: ['id'], contextTrigger: true });
const left = relation(columns, { id: '4', schema: 'other', table: 'left_out' });
const policy = compilePolicy({
  tables: [{ match: 'public.*' }, { match: 'public.money', class: 'financial' }],
});
const fresh: Progress = { through: '0/0', transactions: 0, partial: null };

function recorderWith(
  options: Partial<RecorderOptions> = {},
  onRecord: (recorder: Recorder) => void = () => {},
) {
  const { sink, records } = textSink(() => onRecord(recorder));
  const recorder: Recorder = createRecorder({
    trail: 'audit.example.com/shop',
    policy,
    sink,
    resume: fresh,
    now: () => Date.UTC(2026, 10, 21, 20, 18, 33, 123),
    ...options,
  });
  return { recorder, records };
}

type Event =
  | { row: Relation; v: string }
  | { update: Relation }
  | { truncate: Relation[] }
  | { prefix: string; content: object | string };

function play(
  recorder: Recorder,
  number: number,
  events: readonly Event[],
  day = '2026-11-21',
  afterEach: () => void = () => {},
) {
  recorder.begin({ id: `7${number}`, position: `0/${number}0`, time: `${day}T20:18:33.123456Z` });
  for (const event of events) {
    if ('row' in event) recorder.row('insert', event.row, null, false, image('1', event.v));
    else if ('update' in event) recorder.row('update', event.update, image('1', 'a'), false, image('1', 'b'));
    else if ('truncate' in event)
      recorder.truncate(event.truncate, { cascade: true, restartIdentity: false });
    else {
      const content = typeof event.content === 'string' ? event.content : JSON.stringify(event.content);
      recorder.message(event.prefix, Buffer.from(content));
    }
    afterEach();
  }
  recorder.commit(`0/${number}8`);
}

const context = (id: string): Event => ({
  prefix: 'rowseal.context',
  content: { v: 1, context: { actor: { type: 'user', id } }, login: 'app', pid: 5 },
});
const session = (actor: string | null, more: object = {}): Event => ({
  prefix: 'rowseal.session',
  content: { v: 1, login: 'app', application: 'shop', pid: 5, actor, replication_role: 'origin', ...more },
});
const ddl: Event = {
  prefix: 'rowseal.ddl',
  content: {
    v: 1,
    tag: 'CREATE TABLE',
    object_type: 'table',
    schema: 'public',
    identity: 'public.x',
    command: "create table x (a text default 'secret')",
    event: 'ddl_command_end',
    login: 'dba',
    pid: 9,
    in_extension: false,
  },
};
const row = (of: Relation, v = 'x'): Event => ({ row: of, v });

const changes = (records: { text: string }[]) =>
  records.map((each) => exactJson(each.text)).filter((each) => text(member(each, 'kind')) !== 'relation');
const who = (records: { text: string }[]) =>
  changes(records).map((each) => {
    const actor = JSON.parse(canonical(member(each, 'actor')));
    return `${text(member(each, 'id'))} ${text(member(each, 'attribution', 'tier'))} ${actor.id ?? actor.type}`;
  });

describe('attribution over a transaction', () => {
  test('asserted context holds for what follows it, and ends with the transaction', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [row(orders), context('u1'), row(orders), context('u2'), row(orders)]);
    play(recorder, 2, [row(orders)]);
    expect(who(records)).toEqual([
      'shop:1:1 none unknown',
      'shop:1:3 asserted u1',
      'shop:1:5 asserted u2',
      'shop:2:1 none unknown',
    ]);
  });
  test('a trigger message reaches back to rows that have nothing', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [row(watched), row(orders), context('u1'), row(watched), session('u2'), row(watched)]);
    expect(who(records)).toEqual([
      'shop:1:1 session u2',
      'shop:1:2 none unknown',
      'shop:1:4 asserted u1',
      'shop:1:6 asserted u1',
    ]);
    expect(recorder.counters).toMatchObject({ waited: 1, tiers: { session: 1, none: 1, asserted: 2 } });
  });
  test('what waits in vain is attributed to nobody at commit', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [row(watched), row(money)]);
    expect(who(records)).toEqual(['shop:1:1 none unknown', 'shop:1:2 none unknown']);
  });
  test('a waiting record, filled, is the record that would have been written at once', () => {
    const late = recorderWith();
    play(late.recorder, 1, [row(watched, 'né"'), session('u1')]);
    const early = recorderWith();
    play(early.recorder, 1, [session('u1'), row(watched, 'né"')]);
    const [one, other] = [late, early].map((each) => each.records.at(-1)!.text);
    expect(one!.replaceAll(/"index":1|shop:1:1/g, '')).toBe(other!.replaceAll(/"index":2|shop:1:2/g, ''));
  });
  test('contexts that are none are counted, and change nothing', () => {
    const { recorder, records } = recorderWith();
    const bad: Event[] = ['', '{', '[]', '{"context":1}'].map((content) => ({
      prefix: 'rowseal.context',
      content,
    }));
    play(recorder, 1, [
      context('u1'),
      ...bad,
      { prefix: 'rowseal.session', content: 'x' },
      { prefix: 'foreign', content: 'x' },
      row(orders),
    ]);
    expect(recorder.counters.badContexts).toBe(5);
    expect(who(records)).toEqual(['shop:1:8 asserted u1']);
  });
  test('a session that replays as a replica is tampering, said once', () => {
    const { recorder, records } = recorderWith();
    const replica = session('u1', { replication_role: 'replica' });
    play(recorder, 1, [replica, row(watched), replica]);
    expect(changes(records).map((each) => text(member(each, 'kind')))).toEqual(['tamper', 'change']);
    expect(records[0]!.className).toBe('trail');
  });
});

// Asked to stop (or cut off) while rows wait, the daemon's own last word, and tampering just seen, went behind the
// rows that wait: into a queue that nobody would ever read.
test('what is observed while rows wait is with the sink at once', () => {
  const { recorder, records } = recorderWith();
  recorder.begin({ id: '7', position: '0/10', time: '2026-11-21T20:18:33.123456Z' });
  recorder.row('insert', watched, null, false, image('1', 'a'));
  expect(recorder.waitingBytes()).toBeGreaterThan(0);
  const before = recorder.progress();
  recorder.observe({ kind: 'lifecycle', event: 'stopped', details: {} });
  expect(records.map((each) => each.text).join()).toContain('"event":"stopped"');
  expect(recorder.progress()).toEqual(before);
});

// A partition detached or dropped before its last rows were read has no ancestors any more; rules that name its parent
// left its rows out, and nothing said so.
describe('a relation whose ancestors are lost', () => {
  const lost = relation(columns, { id: '5', schema: 'other', table: 'events_2025', ancestry: 'lost' });
  test('left out though it may be a partition of what is recorded: each transaction is a gap, in order', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [row(left), row(lost), row(lost), row(orders)]);
    play(recorder, 2, [row(orders)]);
    play(recorder, 3, [{ truncate: [left, lost] }]);
    const kinds = records.map(({ text: each }) => JSON.parse(each)).filter(({ kind }) => kind !== 'relation');
    expect(kinds.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'gap shop:1:2',
      'change shop:1:4',
      'change shop:2:1',
      'gap shop:3:2',
    ]);
    expect(kinds[0]).toEqual({
      kind: 'gap',
      id: 'shop:1:2',
      time: '2026-11-21T20:18:33.123456Z',
      from: '0/0',
      to: '0/10',
      reason: 'ancestry_unknown',
      details: { schema: 'other', table: 'events_2025', partition_of: [], gone: false },
      transaction: { id: '71', position: '0/10', number: 1, index: 2 },
    });
    expect([kinds[3].from, kinds[3].to]).toEqual(['0/28', '0/30']);
    expect(recorder.counters.skipped).toBe(5);
  });
  test('a gap is no gap where no rule could record it', () => {
    const never = compilePolicy({ tables: [{ match: 'public.*' }, { match: 'other.*', exclude: true }] });
    const { recorder, records } = recorderWith({ policy: never });
    play(recorder, 1, [row(lost), row(left)]);
    expect(records).toEqual([]);
  });
  test('a transaction that an earlier run ended inside of tells its gap once', () => {
    const cut = { through: '0/8', transactions: 1, partial: { position: '0/10', next: 3 } };
    const { recorder, records } = recorderWith({ resume: cut });
    play(recorder, 1, [row(lost), row(orders), row(orders)]);
    expect(changes(records)).toHaveLength(1);
  });
  test('whatever a lost ancestor could withhold is withheld, and the relation record says so', () => {
    const rules = [{ match: '*.*' }, { match: 'other.events', columns: { v: 'mask' } }] as const;
    const { recorder, records } = recorderWith({ policy: compilePolicy({ tables: rules }) });
    play(recorder, 1, [row(lost, 'secret')]);
    const [described, change] = records.map(({ text: each }) => JSON.parse(each));
    expect(described).toMatchObject({ ancestry: 'lost', columns: [{}, { name: 'v', redaction: 'mask' }] });
    expect(change).toMatchObject({
      patch: [{ value: { id: 1, v: null } }],
      encoded: { '/patch/0/value/v': 'mask' },
    });
    expect(JSON.stringify(records)).not.toContain('secret');
  });
});

// Its context trigger was dropped before its backlog was read: its rows went ahead of the word that was theirs.
describe('a relation that may have had our trigger', () => {
  const lost = relation(columns, {
    id: '6',
    table: 'lost',
    primaryKey: ['id'],
    contextTriggerLost: ['16400'],
  });
  const gone = relation(columns, { id: '7', table: 'gone', primaryKey: ['id'], contextTriggerLost: [] });
  const update = (of: Relation): Event => ({ update: of });
  test('its updates take the word of its trigger, and of no other table', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [update(lost), session('u1', { relid: '16400' }), update(lost)]);
    play(recorder, 2, [update(lost), update(watched), session('u2', { relid: '9' })]);
    play(recorder, 3, [update(gone), row(gone), session('u3', { relid: '10' })]);
    play(recorder, 4, [update(lost), row(orders)]);
    expect(who(records)).toEqual([
      'shop:1:1 session u1',
      'shop:1:3 session u1',
      'shop:2:1 none unknown',
      'shop:2:2 session u2',
      'shop:3:1 session u3',
      'shop:3:2 session u3',
      'shop:4:1 none unknown',
      'shop:4:2 none unknown',
    ]);
  });
  test('its inserts do not wait, and its updates not without bound', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [
      row(lost),
      ...Array.from({ length: 20_000 }, () => update(lost)),
      session('u1', { relid: '16400' }),
    ]);
    expect(recorder.counters.waited).toBeGreaterThan(1000);
    expect(recorder.counters.waited).toBeLessThan(19_000);
    expect(new Set(who(records).map((each) => each.split(' ')[1]))).toEqual(new Set(['none']));
  });
});

describe('records', () => {
  test('relation records: at first, when changed, each new day, in the class of the table', () => {
    const { recorder, records } = recorderWith();
    const kinds = () =>
      records.splice(0).map((each) => `${each.className} ${text(member(exactJson(each.text), 'kind'))}`);
    play(recorder, 1, [row(orders), row(orders), row(money)]);
    expect(kinds().toSorted()).toEqual([
      'default change',
      'default change',
      'default relation',
      'financial change',
      'financial relation',
    ]);
    play(recorder, 2, [row({ ...orders })]);
    expect(kinds()).toEqual(['default change']);
    play(recorder, 3, [row({ ...orders, replicaIdentity: 'default' })]);
    expect(kinds()).toEqual(['default relation', 'default change']);
    play(recorder, 4, [row(orders)], '2026-11-22');
    expect(kinds()).toEqual(['default relation', 'default change']);
  });
  test('left-out relations, foreign messages and heartbeats count an index and take no number', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [row(left), { prefix: 'rowseal.heartbeat', content: '1' }]);
    expect(recorder.progress()).toEqual({ through: '0/18', transactions: 0, partial: null });
    play(recorder, 2, [row(left), { prefix: 'x', content: '' }, { truncate: [orders, left, money] }]);
    expect(changes(records).map((each) => text(member(each, 'id')))).toEqual(['shop:1:3', 'shop:1:5']);
    expect(recorder.counters.skipped).toBe(3);
  });
  test('ddl is masked and carries its own session', () => {
    const { recorder, records } = recorderWith();
    play(recorder, 1, [ddl]);
    expect(records[0]!.className).toBe('trail');
    expect(records[0]!.text).not.toContain('secret');
    expect(who(records)).toEqual(['shop:1:1 connection dba']);
  });
  test('genesis, lifecycle, gap: members in order, a gap moves through', () => {
    const { recorder, records } = recorderWith();
    recorder.genesis({
      trail: 'audit.example.com/shop',
      createdAt: '2026-11-21T20:00:00.000Z',
      source: { type: 'postgres' },
      logKey: 'vkey',
    });
    recorder.observe({ kind: 'lifecycle', event: 'started', details: { odd: '\ud800', big: 2n ** 64n } });
    recorder.observe({ kind: 'gap', from: '0/0', to: '0/9', reason: 'slot_lost', details: {} });
    recorder.quiet('0/A');
    expect(records.map((each) => each.text)).toEqual([
      '{"kind":"genesis","trail":"audit.example.com/shop","format":"rowseal/1","created_at":"2026-11-21T20:00:00.000Z","source":{"type":"postgres"},"log_key":"vkey"}',
      '{"kind":"lifecycle","time":"2026-11-21T20:18:33.123Z","event":"started","details":{"odd":"\ufffd","big":"18446744073709551616"}}',
      '{"kind":"gap","time":"2026-11-21T20:18:33.123Z","from":"0/0","to":"0/9","reason":"slot_lost","details":{}}',
    ]);
    expect(recorder.progress().through).toBe('0/A');
  });
  test('a record over 16 MiB loses its largest values to their digests', () => {
    const { recorder, records } = recorderWith();
    const many = relation(
      Array.from({ length: 40 }, (_, i) => column(`c${i}`, { as: 'string' })),
      { table: 'wide' },
    );
    recorder.begin({ id: '1', position: '0/1', time: '2026-11-21T20:18:33.123456Z' });
    const cells = many.columns.map((_, i) => (i === 0 ? 'small' : 'x'.repeat(900_000)));
    recorder.row('insert', many, null, false, image(...cells));
    const record = exactJson(records.at(-1)!.text);
    expect(records.at(-1)!.text.length).toBeLessThan(16 * 1024 * 1024);
    expect(text(member(record, 'patch', 0, 'value', 'c0'))).toBe('small');
    expect(text(member(record, 'encoded', '/patch/0/value/c1'))).toBe('sha256');
  });
  test('a record that nothing makes fit stops, and leaves no part of itself', () => {
    const { recorder, records } = recorderWith();
    const many = relation(
      Array.from({ length: 1600 }, (_, i) => column(`c${i}${'n'.repeat(12_000)}`, { as: 'string' })),
      { table: 'wide' },
    );
    recorder.begin({ id: '1', position: '0/1', time: '2026-11-21T20:18:33.123456Z' });
    expect(() => recorder.row('insert', many, null, false, image(...many.columns.map(() => 'x')))).toThrow(
      expect.objectContaining({ code: 'record_too_large' }),
    );
    expect(records.length).toBe(1);
    recorder.row('insert', orders, null, false, image('1', 'x'));
    exactJson(records.at(-1)!.text);
  });
});

function memorySpool(): Spool {
  let held = Buffer.alloc(0);
  return {
    get bytes() {
      return held.length;
    },
    append: (bytes) => {
      held = Buffer.concat([held, bytes]);
    },
    take(maxBytes) {
      const taken = held.subarray(0, Math.min(maxBytes, 97));
      held = held.subarray(taken.length);
      return taken;
    },
    discard() {
      held = Buffer.alloc(0);
    },
  };
}

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      row: fc.constantFrom(orders, watched, money, left),
      v: fc.string({ unit: 'binary' }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ truncate: fc.subarray([orders, watched, left], { minLength: 1 }) }) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b').map(context) },
  { weight: 2, arbitrary: fc.constantFrom('c', 'd', null).map((id) => session(id)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Event>(ddl, session('e', { replication_role: 'replica' }), {
      prefix: 'other',
      content: 'x',
    }),
  },
);
const workload = fc.array(fc.array(anyEvent, { maxLength: 9 }), { minLength: 1, maxLength: 6 });

describe('whatever the stream', () => {
  test('numbers without holes; (number, index) ascends within each class', () => {
    fc.assert(
      fc.property(workload, (transactions) => {
        const { recorder, records } = recorderWith();
        transactions.forEach((events, i) => void play(recorder, i + 1, events));
        const numbers = new Set<number>();
        const last = new Map<string, number>();
        for (const { className, text: line } of records) {
          const parsed = JSON.parse(line);
          if (parsed.kind === 'relation') continue;
          const { number, index } = parsed.transaction;
          numbers.add(number);
          expect(number * 1000 + index).toBeGreaterThan(last.get(className) ?? 0);
          last.set(className, number * 1000 + index);
        }
        expect([...numbers].toSorted((a, b) => a - b)).toEqual(Array.from(numbers, (_, i) => i + 1));
        expect(recorder.progress().transactions).toBe(numbers.size);
        expect(recorder.waitingBytes()).toBe(0);
      }),
    );
  });

  test('cut anywhere and resumed from the progress of that moment, the records are the same', () => {
    fc.assert(
      fc.property(workload, fc.nat(), fc.boolean(), fc.boolean(), (transactions, at, spooled, paced) => {
        const options = {
          ...(spooled ? { waiting: { memoryBytes: 300, spool: memorySpool() } } : {}),
          ...(paced ? { drainBytes: 100 } : {}),
        };
        const whole = recorderWith();
        transactions.forEach((events, i) => void play(whole.recorder, i + 1, events));
        // A seal is cut by a record that fills it, or by the clock between two events.
        const moments = whole.records.length + transactions.flat().length + 1;
        const cut = at % moments;
        const cutEvent = cut - whole.records.length;

        let kept = 0;
        let progress: Progress = fresh;
        const seal = (recorder: Recorder) => {
          progress = recorder.progress();
          kept = first.records.length;
        };
        const first = recorderWith(options, (recorder) => {
          if (first.records.length === cut) seal(recorder);
        });
        let event = 0;
        transactions.forEach((events, i) => {
          play(first.recorder, i + 1, events, '2026-11-21', () => {
            if (event++ === cutEvent) seal(first.recorder);
          });
          if (i % 2 === 0) while (first.recorder.drain());
        });
        while (first.recorder.drain());
        expect(first.recorder.progress()).toEqual(whole.recorder.progress());

        const second = recorderWith({ ...options, resume: progress });
        expect(second.recorder.progress()).toEqual(progress);
        transactions.forEach((events, i) => {
          if (i + 1 > Number(progress.through.slice(2, -1))) play(second.recorder, i + 1, events);
        });
        while (second.recorder.drain());
        const lines = (from: { text: string; className: string }[]) =>
          from
            .filter((each) => !each.text.startsWith('{"kind":"relation"'))
            .map((each) => `${each.className} ${each.text}`);
        expect([...lines(first.records.slice(0, kept)), ...lines(second.records)]).toEqual(
          lines(whole.records),
        );
        expect(second.recorder.progress()).toEqual(whole.recorder.progress());
      }),
      { numRuns: 1000 },
    );
  });

  test('progress never moves back, and never reaches beyond the sink', () => {
    fc.assert(
      fc.property(workload, (transactions) => {
        let through = 0;
        let partial: Progress['partial'] = null;
        const { recorder } = recorderWith({}, (it) => {
          const now = it.progress();
          const reached = Number(now.through.slice(2, -1));
          expect(reached).toBeGreaterThanOrEqual(through);
          if (partial !== null && reached === through) {
            expect(now.partial?.position).toBe(partial.position);
            expect(now.partial!.next).toBeGreaterThanOrEqual(partial.next);
          }
          through = reached;
          partial = now.partial;
        });
        transactions.forEach((events, i) => void play(recorder, i + 1, events));
      }),
    );
  });

  test('another transaction where the resumed one should come stops the source', () => {
    const { recorder } = recorderWith({
      resume: { through: '0/8', transactions: 4, partial: { position: '0/30', next: 3 } },
    });
    play(recorder, 1, [row(left)]);
    expect(recorder.progress().partial).toEqual({ position: '0/30', next: 3 });
    expect(() => play(recorder, 2, [row(orders)])).toThrow(
      expect.objectContaining({ code: 'source_changed' }),
    );
  });
});
