/** Statements of the hand-made trails: what each did to what, with every effect that FORMAT.md section 11 names. */
import type { Loose } from '../trail-builder.ts';
import { acted, written } from './records.ts';

const PARCELS = { schema: 'public', table: 'parcels', kind: 'table', oid: 16430 };

function statement(
  index: number,
  tag: string,
  text: string | null,
  targets: readonly Loose[],
  more: Loose = {},
) {
  return acted('ddl', 'ddl', 3, index, {
    actor: { type: 'login', id: 'dba' },
    attribution: { tier: 'connection', via: 'trigger' },
    target: { schema: 'public', type: tag.split(' ')[1]!.toLowerCase(), identity: null },
    tag,
    statement: text,
    targets,
    event: 'ddl_command_end',
    in_extension: false,
    ...more,
  });
}

/** Transaction 3, from index 1 on. */
export const STATEMENTS: readonly Loose[] = [
  statement(1, 'ALTER TABLE', 'ALTER TABLE parcels RENAME COLUMN size TO volume', [
    { ...PARCELS, effects: ['columns'], columns: [3] },
  ]),
  // The trigger knows no earlier name: `oid` and `becomes` say which table it was.
  statement(2, 'ALTER TABLE', 'ALTER TABLE basket RENAME TO baskets', [
    {
      schema: 'public',
      kind: 'table',
      oid: 16420,
      effects: ['renames'],
      becomes: { schema: 'shop', table: 'baskets' },
    },
  ]),
  statement(3, 'CREATE VIEW', 'CREATE OR REPLACE VIEW open_orders AS SELECT …', [
    { schema: 'public', name: 'open_orders', kind: 'view', effects: ['drops', 'creates'] },
  ]),
  statement(4, 'TRUNCATE TABLE', 'TRUNCATE a, b', [
    { schema: 'public', table: 'a', effects: ['empties'] },
    { schema: 'public', table: 'b', effects: ['empties', 'rights'] },
  ]),
  statement(5, 'ALTER TABLE', "ALTER TABLE parcels ALTER weight TYPE text USING '…'", [
    { ...PARCELS, effects: ['columns', 'replaces'], columns: [4, 5] },
    { schema: 'public', name: 'parcels_weight_key', kind: 'index', effects: ['none'] },
  ]),
  statement(6, 'ALTER SCHEMA', 'ALTER SCHEMA old RENAME TO older', [
    { schema: null, name: 'old', kind: 'schema', effects: ['renames'], becomes: { name: 'older' } },
  ]),
  statement(7, 'CREATE ROLE', null, [{ effects: ['unknown'] }], { statement_dropped: true }),
];

/** What no statement told: a look found it. */
export const observed = (seal: number): Loose => ({
  kind: 'ddl',
  event: 'observed',
  time: written(seal),
  actor: { type: 'unknown' },
  attribution: { tier: 'none' },
  action: 'ddl',
  outcome: 'success',
  target: { type: 'role', identity: 'auditor' },
  targets: [{ schema: null, name: 'auditor', kind: 'role', effects: ['rights'] }],
  between: [written(seal - 1), written(seal)],
  old: null,
  new: { login: true, member_of: ['pg_read_all_data'] },
});
