import { describe, expect, test } from 'vitest';
import { type ExactObject, parseExact } from './exact-json.ts';
import type { ShadowChange, Shape } from './shadow.ts';
import { compareWithShadow } from './shadow-compare.ts';
import { changesWithRecord } from './shadow-unchanged.ts';
import { plain } from './shadow-values.ts';

const SHAPE: Shape = {
  schema: 'test',
  table: 'secret',
  identity: 'f',
  published: true,
  attached: false,
  columns: [
    ['id', 'bigint', ''],
    ['notes', 'text', ''],
  ],
  primary: ['id'],
  index: null,
};

function update(id: string, from: string, to: string): ShadowChange {
  return {
    serial: id,
    xid: '0-1-589',
    op: 'update',
    shape: SHAPE,
    old: { id, notes: from },
    new: { id, notes: to },
    login: 'app',
    pid: '7',
    application: null,
    expect: null,
    ...(from === to ? { unchanged: true } : {}),
  };
}

const RELATION = recordOf({
  kind: 'relation',
  target: { schema: 'test', table: 'secret' },
  columns: [
    { name: 'id', number: 1 },
    { name: 'notes', number: 2 },
  ],
});

function recordOf(said: object) {
  const line = JSON.stringify(said);
  return { class: 'default', seal: 0, line, tree: parseExact(line) as ExactObject };
}

/** Of a trail that leaves the column `notes` out: whoever changes only that has an empty patch. */
function compared(changes: readonly ShadowChange[], recordedIds: readonly string[]) {
  const records = recordedIds.map((id, i) => {
    const transaction = { id: '0-1-589', number: 1, index: i + 1 };
    const target = { schema: 'test', table: 'secret', key: { id } };
    const said = { kind: 'change', id: `t:1:${i + 1}`, action: 'update', image: 'full', transaction };
    return recordOf({ ...said, target, patch: [] });
  });
  const redactions = { hmacKey: Buffer.alloc(0), hmacKeyId: 'k1', maxValueBytes: 1000 };
  return compareWithShadow({
    trail: { seals: [], records: [RELATION, ...records] },
    shadow: [{ xid: '0-1-589', position: '0-1-589', time: null, changes, ddl: [] }],
    engine: {
      render: (_type, text) => plain(JSON.stringify(text)),
      isSent: () => true,
      connection: () => null,
    },
    label: 't',
    policy: () => ({ class: 'default', redactions: { ...redactions, columns: { notes: 'drop' } } }),
  }).differences;
}

const all = (ids: string, from: string, to: string) => [...ids].map((id) => update(id, from, to));

describe('updates that changed nothing', () => {
  // A transaction ran an update that left two rows as they were, then one of the dropped column of those and three more.
  // MariaDB logged the second only, and the trail had it, five empty patches. The comparison took the first two for the
  // records of the update that changed nothing, and said that two changes were lost.
  test('the record of a dropped column’s update is not taken for one of an update that changed nothing', () => {
    expect(compared([...all('12', 'a', 'a'), ...all('12345', 'a', 'b')], [...'12345'])).toEqual([]);
  });

  test('and one of those that is missing is a difference, as is one too many', () => {
    const changes = [...all('12', 'a', 'a'), ...all('12345', 'a', 'b')];
    expect(compared(changes, [...'1234'])).not.toEqual([]);
    expect(compared(changes, [...'2345'])).not.toEqual([]);
    expect(compared(changes, [...'345'])).not.toEqual([]);
    expect(compared(changes, [...'12123455'])).not.toEqual([]);
    expect(compared([update('1', 'a', 'a'), update('2', 'a', 'b')], ['1'])).not.toEqual([]);
  });

  test('they may have a record: all of them, or some', () => {
    const changes = [...all('12', 'a', 'a'), ...all('123', 'a', 'b'), ...all('4', 'a', 'a')];
    for (const ids of ['123', '12123', '1234', '1123', '2123', '21234', '121234'])
      expect(compared(changes, [...ids]), ids).toEqual([]);
    for (const ids of ['3123', '1243', '12', '1233', '21123', '1212344'])
      expect(compared(changes, [...ids]), ids).not.toEqual([]);
  });

  test('where nothing fits, the certain changes are still there to be compared', () => {
    const changes = [{ unchanged: true }, { unchanged: false }, { unchanged: true }, {}];
    expect(changesWithRecord(changes, ['x', 'y', 'z'], () => false)).toHaveLength(3);
    expect(changesWithRecord(changes, ['x'], () => false)).toEqual([changes[1], changes[3]]);
    expect(changesWithRecord(changes, [1, 2, 3, 4, 5], () => false)).toEqual(changes);
  });

  test('what differs is shown from both sides', () => {
    const told = compared([update('1', 'a', 'a'), update('2', 'a', 'b')], ['1']).at(-1);
    expect(told).toContain('shadow log 2: update test.secret "1" unchanged; update test.secret "2"');
    expect(told).toContain('trail 1: t:1:1 update test.secret {"id":"1"}, 0 operations');
  });
});
