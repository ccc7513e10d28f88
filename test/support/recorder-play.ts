/** Transactions played to a recorder whose records are text, and the relations and messages that its tests share. */

import type { Relation } from '../../src/change/change.ts';
import { compilePolicy } from '../../src/change/policy/policy.ts';
import { createRecorder, type Recorder, type RecorderOptions } from '../../src/change/recorder/recorder.ts';
import type { Progress } from '../../src/change/sink.ts';
import { canonical, column, exactJson, image, member, relation, text, textSink } from './plain-record.ts';

export const columns = [column('id', { as: 'number' }, true), column('v', { as: 'string' })];
export const orders = relation(columns, { table: 'orders', primaryKey: ['id'] });
export const watched = relation(columns, {
  id: '2',
  table: 'watched',
  primaryKey: ['id'],
  contextTrigger: true,
});
export const money = relation(columns, { id: '3', table: 'money', primaryKey: ['id'], contextTrigger: true });
export const left = relation(columns, { id: '4', schema: 'other', table: 'left_out' });
export const policy = compilePolicy({
  tables: [{ match: 'public.*' }, { match: 'public.money', class: 'financial' }],
});
export const fresh: Progress = { through: '0/0', transactions: 0, partial: null };

export function recorderWith(
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

export type Event =
  | { row: Relation; v: string }
  | { update: Relation }
  | { truncate: Relation[] }
  | { prefix: string; content: object | string };

export function play(
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

export const context = (id: string): Event => ({
  prefix: 'rowseal.context',
  content: { v: 1, context: { actor: { type: 'user', id } }, login: 'app', pid: 5 },
});
export const session = (actor: string | null, more: object = {}): Event => ({
  prefix: 'rowseal.session',
  content: { v: 1, login: 'app', application: 'shop', pid: 5, actor, replication_role: 'origin', ...more },
});
export const ddl: Event = {
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
export const row = (of: Relation, v = 'x'): Event => ({ row: of, v });

export const changes = (records: { text: string }[]) =>
  records.map((each) => exactJson(each.text)).filter((each) => text(member(each, 'kind')) !== 'relation');
export const who = (records: { text: string }[]) =>
  changes(records).map((each) => {
    const actor = JSON.parse(canonical(member(each, 'actor')));
    return `${text(member(each, 'id'))} ${text(member(each, 'attribution', 'tier'))} ${actor.id ?? actor.type}`;
  });
