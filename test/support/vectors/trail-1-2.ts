/**
 * The seals of test/vectors/trail-1-2, which begins at level 1 and goes on at level 2. It tells of a MariaDB, by hand. In
 * its seals of level 1 stands what is none of level 2's, and what level 2 would not let pass.
 */
import { genesis, type Loose, type SealDraft, SIGNER } from '../trail-builder.ts';
import { createDraftList } from './draft-list.ts';
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
import { salt } from './throwaway.ts';

const ITEMS = { schema: 'shop', table: 'items' };
const ROW: RowDraft = { row: { id: '1', label: 'Tee', grams: 250 } };
const COLUMNS = [
  { name: 'id', type: 'bigint unsigned', encoding: 'string' },
  { name: 'label', type: 'varchar(80)', encoding: 'string' },
  { name: 'grams', type: 'int', encoding: 'number' },
];
const IDENTITY = ['id', 'label', 'grams'];
const byHeader = { time_source: 'header', attribution: { tier: 'annotated', via: 'comment' } };

/** As this server names transactions. */
function here(record: Loose): Loose {
  const { number, index } = record['transaction'] as { number: number; index: number };
  const gtid = `0-1-${10 + number}`;
  return { ...record, transaction: { id: gtid, position: gtid, number, index } };
}

/** A statement; at level 1 it has no targets. */
const statement = (number: number, tag: string, text: string, more: Loose): Loose =>
  acted('ddl', 'ddl', number, 1, {
    time_source: 'header',
    actor: { type: 'login', id: 'dba@%' },
    attribution: { tier: 'connection', via: 'performance_schema' },
    target: { schema: 'shop', type: 'table', identity: 'shop.items' },
    tag,
    statement: text,
    ...more,
  });

const RENAMED = 'ALTER TABLE items CHANGE title label varchar(80)';

/** Class trail begins with leaf 0: genesis, started, capture; and in seal 1 with a gap. */
export function draftsOfTrail12(): SealDraft[] {
  const list = createDraftList('2099-01-01T00:00:00Z');
  const source = (from: string, through: string, transactions: number, more: Loose = {}): Loose => ({
    from: `0-1-${from}`,
    through: `0-1-${through}`,
    transactions,
    ...more,
  });
  const signer = SIGNER;
  list.put(
    {
      trail: [
        JSON.parse(genesis(SIGNER.key.vkey, { source: { type: 'mariadb' } })) as Loose,
        lifecycle(0, 'started', { configuration: {} }),
        lifecycle(0, 'capture', {}),
      ],
      default: [
        relation(ITEMS, 'default', COLUMNS, IDENTITY, { context_trigger: false }),
        here(insert(1, 1, { ...ITEMS, key: { id: '1' } }, ROW.row, byHeader)),
      ],
    },
    source('10', '11', 1),
    { reason: 'start', signer },
  );
  // What level 2 brings means nothing here, whatever it holds.
  const { trail: holes } = list.put(
    {
      trail: [
        gap(1, '0-1-10', '0-1-11', 'incident', { details: {} }),
        here(statement(2, 'ALTER TABLE', RENAMED, {})),
      ],
      default: [
        here(
          insert(3, 1, { ...ITEMS, key: {} }, { label: 'Cup' }, { ...byHeader, image: 'changed', salt: 7 }),
        ),
        { kind: 'baseline', rows: 'none', note: 'a kind that level 1 does not know' },
      ],
    },
    source('11', '13', 3, { state: { policy: 99 }, witness: null, clock: {} }),
    { reason: 'age', signer, seal: { next_key: 'none' } },
  );
  const numbered = COLUMNS.map((column, i) => ({ ...column, number: i + 4 }));
  const { trail: later } = list.put(
    {
      trail: [
        lifecycle(2, 'tables', {
          captured: [
            {
              ...ITEMS,
              rule: 'shop.*',
              class: 'default',
              columns: numbered.map(({ name, number }) => ({ name, number })),
              next: 7,
            },
          ],
        }),
        {
          kind: 'acknowledged',
          time: written(2),
          leaf: holes,
          reason: 'nothing was written',
          who: { user: 'dba' },
        },
        here(
          statement(4, 'ALTER TABLE', 'ALTER TABLE items EXCHANGE PARTITION p0 WITH TABLE items_old', {
            targets: [
              { ...ITEMS, kind: 'table', effects: ['replaces'] },
              { schema: 'shop', table: 'items_old', effects: ['replaces'], columns: [1, 2, 3] },
            ],
          }),
        ),
      ],
      default: [
        // Which column was which is not known: all of them have new numbers.
        relation(ITEMS, 'default', numbered, IDENTITY, { context_trigger: false, numbers: 'lost' }),
        {
          kind: 'baseline',
          time: written(2),
          run: 'r1',
          target: ITEMS,
          form: 'row/1',
          chunk: 0,
          after: null,
          upto: null,
          at: { position: '0-1-14' },
          rows: [ROW.row],
          salt: salt('items', 16),
        },
        here(
          update(
            5,
            1,
            { ...ITEMS, key: { id: '1' } },
            { grams: [250, 240] },
            { ...byHeader, before: beforeOf(ROW) },
          ),
        ),
      ],
    },
    source('13', '15', 5, {
      level: 2,
      witness: { gtid: '0-1-15', time: 1795291205, length: 412, crc32: 2882400001, server: '1' },
      clock: { store_ms: 0 },
    }),
    { reason: 'age', signer },
  );
  const state = { policy: later!, capture: 2 };
  Object.assign(list.drafts[2]!.source!, { state });
  const emptied = here(
    statement(6, 'TRUNCATE TABLE', 'TRUNCATE TABLE items', {
      targets: [{ ...ITEMS, kind: 'table', effects: ['empties'] }],
    }),
  );
  list.put({ trail: [emptied, lifecycle(3, 'stopped')] }, source('15', '16', 6, { level: 2, state }), {
    reason: 'stop',
    signer,
  });
  return [...list.drafts];
}
