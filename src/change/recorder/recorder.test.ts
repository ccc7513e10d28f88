import { describe, expect, test } from 'vitest';
import { column, exactJson, image, member, relation, text } from '../../../test/support/plain-record.ts';
import {
  changes,
  context,
  ddl,
  left,
  money,
  orders,
  play,
  recorderWith,
  row,
  session,
  watched,
  who,
} from '../../../test/support/recorder-play.ts';

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
  // Rows behind it were told as made by whoever the transaction had named before.
  test('a context that is none is counted, and nobody is taken for whom it meant', () => {
    const { recorder, records } = recorderWith();
    const bad = ['', '{', '[]', '{"context":1}', '{"context":{"actor":{"id":"u2"},"a":1e400,"a":2}}'];
    play(
      recorder,
      1,
      bad.flatMap((content) => [
        context('u1'),
        row(orders),
        { prefix: 'rowseal.context', content },
        row(orders),
      ]),
    );
    expect(recorder.counters.badContexts).toBe(bad.length);
    expect(who(records).map((each) => each.split(' ')[1])).toEqual(bad.flatMap(() => ['asserted', 'none']));
  });
  // An application that misspelt its setting saw its login in the trail, and nothing that told it why.
  test('a session setting that is no context is counted, once for each message, and lower tiers apply', () => {
    const { recorder, records } = recorderWith();
    const bad = ['{bad', '{"actor":{"type":"person","id":"9"}}', `"${'x'.repeat(8 * 1024)}"`, '{}'];
    const fine = ['u_9', '{"actor":{"id":"9"}}', '', ' ', null];
    const said = (actor: string | null) => ({
      prefix: 'rowseal.session',
      content: { login: 'app', pid: 12, actor },
    });
    play(
      recorder,
      1,
      [...bad, ...fine].flatMap((actor) => [said(actor), row(orders), row(orders)]),
    );
    expect(recorder.counters.badContexts).toBe(bad.length);
    expect(recorder.counters.tiers).toMatchObject({ session: 4, connection: 2 * (bad.length + 3), none: 0 });
    expect(
      new Set(
        who(records)
          .slice(0, 2 * bad.length)
          .map((each) => each.split(' ').slice(1).join(' ')),
      ),
    ).toEqual(new Set(['connection app']));
    // A comment's message is no word of our trigger.
    play(recorder, 2, [{ prefix: 'rowseal.session', content: { only: 'comment', comment: "actor='u_7'" } }]);
    expect(recorder.counters.badContexts).toBe(bad.length);
  });
  test('what is no word of ours changes nothing', () => {
    const { recorder, records } = recorderWith();
    const words = [
      { prefix: 'rowseal.session', content: 'x' },
      { prefix: 'foreign', content: 'x' },
    ];
    play(recorder, 1, [context('u1'), ...words, row(orders)]);
    expect(recorder.counters.badContexts).toBe(1);
    expect(who(records)).toEqual(['shop:1:4 asserted u1']);
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
      '{"kind":"genesis","trail":"audit.example.com/shop","format":"rowseal/1","created_at":"2026-11-21T20:00:00.000Z","source":{"type":"postgres"},"log_key":"vkey","log_keys":["vkey"]}',
      '{"kind":"lifecycle","time":"2026-11-21T20:18:33.123Z","event":"started","details":{"odd":"\ufffd","big":"18446744073709551616","captured":[]}}',
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
