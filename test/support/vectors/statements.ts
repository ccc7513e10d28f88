/** Statements of the hand-made trail of a Postgres: what each did to what (FORMAT.md section 11). */
import type { Loose } from '../trail-builder.ts';
import { acted, written } from './records.ts';

const PARCELS = { schema: 'public', table: 'parcels', kind: 'table', oid: 16430 };

/** Told object by object, as a trigger tells them. */
function statement(index: number, tag: string, identity: string, text: string | null, target: Loose): Loose {
  const type = tag === 'GRANT' ? 'table' : tag.split(' ')[1]!.toLowerCase();
  return acted('ddl', 'ddl', 3, index, {
    actor: { type: 'login', id: 'dba' },
    attribution: { tier: 'connection', via: 'trigger' },
    target: { schema: 'public', type, identity },
    tag,
    statement: text,
    ...(text === null ? { statement_dropped: true } : {}),
    targets: [target],
    event: 'ddl_command_end',
    in_extension: false,
  });
}

/** Transaction 3, from index 1 on. */
export const STATEMENTS: readonly Loose[] = [
  statement(1, 'ALTER TABLE', 'public.parcels', 'ALTER TABLE parcels RENAME COLUMN size TO volume', {
    ...PARCELS,
    effects: ['columns'],
    columns: [3],
  }),
  // The trigger knows no earlier name: `oid` and `becomes` say which table it was.
  statement(2, 'ALTER TABLE', 'shop.baskets', 'ALTER TABLE basket SET SCHEMA shop', {
    schema: 'public',
    kind: 'table',
    oid: 16420,
    effects: ['renames'],
    becomes: { schema: 'shop', table: 'baskets' },
  }),
  statement(3, 'CREATE VIEW', 'public.open_orders', 'CREATE OR REPLACE VIEW open_orders AS SELECT …', {
    schema: 'public',
    name: 'open_orders',
    kind: 'view',
    effects: ['drops', 'creates'],
  }),
  statement(4, 'ALTER TABLE', 'public.parcels', "ALTER TABLE parcels ALTER weight TYPE text USING '…'", {
    ...PARCELS,
    effects: ['columns', 'replaces'],
    columns: [4, 5],
  }),
  statement(5, 'CREATE INDEX', 'public.parcels_weight', 'CREATE INDEX parcels_weight ON parcels (weight)', {
    schema: 'public',
    name: 'parcels_weight',
    kind: 'index',
    effects: ['none'],
  }),
  statement(6, 'GRANT', 'public.parcels', 'GRANT SELECT ON parcels TO auditor', {
    ...PARCELS,
    effects: ['rights'],
  }),
  statement(7, 'ALTER SCHEMA', 'older', 'ALTER SCHEMA old RENAME TO older', {
    schema: null,
    name: 'old',
    kind: 'schema',
    effects: ['renames'],
    becomes: { schema: null, name: 'older' },
  }),
  statement(8, 'CREATE SERVER', 'far', null, { effects: ['unknown'] }),
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
