import { describe, expect, test } from 'vitest';
import { mariadbGtid, mysqlGtid, query, xid } from '../../../../test/support/binlog-events.ts';
import { listening, RECORDED, recorded } from '../../../../test/support/binlog-recorded.ts';
import { EVENT, HEADER_BYTES, headerOf } from '../events/events.ts';
import { isRowsEvent, ROWS_FLAG } from '../events/rows.ts';
import type { TableMap } from '../events/table-map.ts';
import { createSilence } from './silence.ts';

const { noForeignKeyChecks: unchecked, sqlForeignKey } = ROWS_FLAG;
const tableOf = (table: string, contextTrigger = true) =>
  ({ schema: 'shop', table, relation: { contextTrigger } }) as TableMap;
const [orders, plain] = [tableOf('orders'), tableOf('plain', false)];

/** What is told of a transaction of these steps. */
function told(
  steps: (silence: ReturnType<typeof createSilence>) => void,
  { announced = false, own = true }: { announced?: boolean; own?: boolean } = {},
) {
  const said: unknown[] = [];
  const silence = createSilence({ announced, tamper: (what, details) => void said.push([what, details]) });
  silence.begin(own, own ? 7 : null);
  steps(silence);
  silence.end();
  return said;
}
const silent = (...tables: string[]) => [['context_trigger_silent', { tables, thread_id: 7 }]];

describe('silence', () => {
  test('rows of tables with our triggers, in statements that brought our table', () => {
    const statements = (silence: ReturnType<typeof createSilence>) => {
      silence.mapped();
      silence.changed(orders, 0);
      silence.changed(tableOf('orders'), 0);
      silence.changed(plain, 0);
      silence.statementEnded();
      silence.changed(tableOf('later'), 0);
      silence.statementEnded();
    };
    expect(told(statements)).toEqual(silent('shop.orders'));
    expect(told(statements, { announced: true })).toEqual([]);
    expect(told(statements, { own: false })).toEqual([]);
    for (const last of ['unread', 'begin'] as const)
      expect(
        told((silence) => {
          statements(silence);
          silence[last](true, 7);
        }),
        last,
      ).toEqual([]);
  });

  test('many tables are not listed', () => {
    const said = told((silence) => {
      silence.mapped();
      for (let i = 0; i < 1000; i++) silence.changed(tableOf(`t${i}`), 0);
    });
    expect(said).toEqual(silent(...Array.from({ length: 20 }, (_, i) => `shop.t${i}`)));
  });

  test('what a cascade changed is not meant, but what a session does that checks no keys is', () => {
    const statement = (others: number) =>
      told((silence) => {
        silence.mapped();
        silence.changed(orders, unchecked | sqlForeignKey);
        silence.changed(plain, others | sqlForeignKey);
        silence.statementEnded();
      });
    expect(statement(0)).toEqual([]);
    expect(statement(unchecked)).toEqual(silent('shop.orders'));
  });

  test('DELETE HISTORY fires no trigger; the statement behind it does', () => {
    const statement = (text: string) => (silence: ReturnType<typeof createSilence>) => {
      silence.statement(Buffer.from(text));
      silence.mapped();
      silence.changed(orders, 0);
      silence.statementEnded();
    };
    expect(told(statement(' DELETE  History FROM orders'))).toEqual([]);
    for (const text of [
      '/* a=1 */ /* b */ delete history from orders',
      '-- x\n# y\n delete history from orders',
      'analyze delete history from orders',
      'SET STATEMENT max_statement_time=5 FOR delete history from orders',
    ])
      expect(told(statement(text))).toEqual([]);
    const hidden = `set statement optimizer_switch=' for delete history ' for delete from orders`;
    expect(told(statement(hidden))).toEqual(silent('shop.orders'));
    expect(told(statement('delete from orders -- delete history'))).toEqual(silent('shop.orders'));
    const both = (silence: ReturnType<typeof createSilence>) => {
      statement('delete history from orders')(silence);
      statement('delete from orders')(silence);
    };
    expect(told(both)).toEqual(silent('shop.orders'));
  });
});

describe.each(RECORDED)('$name', ({ name, flavor, start }) => {
  const head = recorded(name)[0]!.events.slice(0, 2);
  const events = recorded(name).find(({ scenario }) => scenario === 'session-trigger')!.events;
  const end = events.findIndex((each) => each[4] === EVENT.XID);
  const whole = events.slice(0, end + 1);
  const maps = whole.filter((each) => each[4] === EVENT.TABLE_MAP);
  const isOurs = (each: Buffer) => each.includes('rowseal\0');
  const idOf = (each: Buffer) => each.readUIntLE(HEADER_BYTES, 6);
  const ours = idOf(maps.find(isOurs)!);
  const kept = whole.filter((each) => !isRowsEvent(each[4]!) || idOf(each) !== ours);
  const serverId = headerOf(whole[0]!).serverId;

  async function tampering(stream: readonly Buffer[], more: Partial<Parameters<typeof listening>[0]> = {}) {
    const { decoder, said } = listening({
      flavor,
      start,
      serverId,
      contextTrigger: (_schema, table) => table === 'traced',
      ...more,
    });
    for (const each of [...head, ...stream]) await decoder.event(each);
    return { decoder, said, tampers: () => said.filter((line) => line.startsWith('tamper')) };
  }

  test('a trigger that was kept from speaking is told right before the commit', async () => {
    expect((await tampering(whole)).tampers()).toEqual([]);
    const { said, tampers } = await tampering(kept);
    expect(tampers()).toHaveLength(1);
    expect(said.at(-2)).toMatch(/^tamper .*"context_trigger_silent","details":\{"tables":\["\w+\.traced"\]/);
    expect(said.filter((line) => line.startsWith('insert'))).toHaveLength(2);
  });

  test('not where the table has none, nor of another server, nor where the statement brought none', async () => {
    expect((await tampering(kept, { contextTrigger: () => false })).tampers()).toEqual([]);
    expect((await tampering(kept, { serverId: serverId + 1 })).tampers()).toEqual([]);
    expect((await tampering(kept.filter((each) => !isOurs(each)))).tampers()).toEqual([]);
  });

  test('not of what was never committed, nor of what was delivered before', async () => {
    const torn = await tampering(kept.slice(0, -1));
    torn.decoder.lost();
    expect(torn.said.at(-2)).toContain('incomplete_transaction');
    expect(torn.tampers()).toEqual([]);
    const again = await tampering(kept);
    if (name !== 'mysql-9.7') return; // others are asked for what is not delivered yet
    const later = await tampering(kept, { start: again.decoder.position() });
    expect(later.tampers()).toEqual([]);
  });

  test('what a savepoint took back was silent too, and is not told', async () => {
    if (name === 'mysql-9.7-file') return; // nothing is held there
    const gtid = flavor === 'mysql' ? [mysqlGtid(900), query('BEGIN')] : [mariadbGtid(900)];
    const statement = kept.filter((each) => each[4] === EVENT.TABLE_MAP || isRowsEvent(each[4]!));
    const rest = [query('SAVEPOINT `a`'), ...statement, query('ROLLBACK TO `a`')];
    const more = { serverId: headerOf(gtid[0]!).serverId };
    expect((await tampering([...gtid, ...rest, xid()], more)).tampers()).toEqual([]);
    expect((await tampering([...gtid, ...rest, ...statement, xid()], more)).tampers()).toHaveLength(1);
  });
});
