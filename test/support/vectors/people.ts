/**
 * A table of the hand-made trail and what a few runs found of it: its baseline in two chunks, one run that found the same
 * and two that found something else. Roots are those of the rows, under each run's own salt.
 */
import type { Loose } from '../trail-builder.ts';
import { digits, pointersOf, type RowDraft, sideOf, written } from './records.ts';
import { hmac, salt, sealed } from './throwaway.ts';

export const PEOPLE = { schema: 'public', table: 'customers', oid: 16402 };
const target = { schema: PEOPLE.schema, table: PEOPLE.table };

export const PEOPLE_COLUMNS = [
  { name: 'id', type: 'bigint', encoding: 'string', number: 1 },
  { name: 'no', type: 'text', encoding: 'string', number: 2 },
  { name: 'name', type: 'text', encoding: 'string', number: 4 },
  { name: 'tax_no', type: 'text', encoding: 'string', number: 5, redaction: 'sealed' },
  { name: 'phone', type: 'text', encoding: 'string', number: 6, redaction: 'hmac' },
  { name: 'wishes', type: 'jsonb', encoding: 'json', number: 7 },
] as const;

function person(id: number, name: string, wishes: unknown, more: Record<string, string> = {}): RowDraft {
  const row = {
    id: String(id),
    no: `C-${id}`,
    name,
    tax_no: sealed(`DE${id}${id}`, `s-${id}_kq9`),
    phone: hmac(`+49 30 ${id}`),
    wishes,
  };
  return { row, encoded: { tax_no: 'sealed', phone: 'hmac', ...more } };
}

/** What the baseline found. */
const FOUND: readonly RowDraft[] = [
  person(1, 'Ada', { size: digits('1.0'), tags: ['a', 'b'] }),
  person(2, 'Grace Ω', null),
  person(3, 'Zoë "Z"\t', 'null', { wishes: 'json' }),
  person(4, 'Lin', []),
];
const [ADA, GRACE, ZOE, LIN] = FOUND as [RowDraft, RowDraft, RowDraft, RowDraft];
/** The table at a later run: another name, one row gone, one that nobody told of. */
const RENAMED: RowDraft = { ...GRACE, row: { ...GRACE.row, name: 'Grace H.' } };
const STRANGER = person(9, 'Mallory', { size: digits('1e2') });

const run = (id: string, seal: number) => ({ time: written(seal), run: id, target });
const at = (high: string) => ({ snapshot: '776:776:', high });

/** The two chunks of a run, in seal `seal`. */
export function baselines(seal: number): Loose[] {
  const chunk = (number: number, after: unknown, upto: unknown, rows: readonly RowDraft[], own: string) => ({
    kind: 'baseline',
    ...run('r1', seal),
    form: 'row/1',
    chunk: number,
    after,
    upto,
    at: at('0/16B4530'),
    rows: rows.map(({ row }) => row),
    salt: own,
    ...pointersOf(rows, '/rows'),
  });
  return [
    chunk(0, null, { id: '2' }, [ADA, GRACE], salt('r1', 16)),
    chunk(1, { id: '2' }, null, [ZOE, LIN], salt('r1 1', 8)),
  ];
}

const reconcile = (id: string, seal: number, more: Loose): Loose => ({
  kind: 'reconcile',
  ...run(id, seal),
  form: 'row/1',
  at: at(seal === 5 ? '0/16B4530' : '0/16B9000'),
  ...more,
});

/** A baseline that begins a table has nothing to be compared with. */
export const firstRun = (seal: number): Loose =>
  reconcile('r1', seal, {
    purpose: 'first',
    table: sideOf(FOUND, salt('r1', 16)),
    trail: null,
    outcome: 'incomplete',
    reasons: ['first_baseline'],
  });

export const equalRun = (seal: number): Loose =>
  reconcile('r2', seal, {
    purpose: 'check',
    table: sideOf(FOUND, salt('r2', 16)),
    trail: { ...sideOf(FOUND, salt('r2', 16)), through: '0/16B9000' },
    outcome: 'equal',
  });

export const differentRun = (seal: number): Loose =>
  reconcile('r3', seal, {
    purpose: 'after_gap',
    table: sideOf([ADA, RENAMED, LIN, STRANGER], salt('r3', 16)),
    trail: sideOf(FOUND, salt('r3', 16)),
    outcome: 'different',
    columns: PEOPLE_COLUMNS.map(({ name }) => name),
    not_compared: [],
    differences: 3,
  });

/** A run of which little is told: its differences but one were left out. */
export const shortRun = (seal: number): Loose =>
  reconcile('r4', seal, {
    purpose: 'check',
    table: sideOf([RENAMED], salt('r4', 16)),
    trail: sideOf(FOUND, salt('r4', 16)),
    outcome: 'different',
    differences: 4,
  });

const runSalt = (id: string, seal: number): Loose => ({
  kind: 'difference',
  ...run(id, seal),
  how: 'salt',
  salt: salt(id, 16),
});

/** What the runs of a seal tell of rows; the baseline's chunks are the leaves `first` and the one behind it. */
export function differences(seal: number, first: number): Loose[] {
  const found = (id: string, how: string, key: string, more: Loose): Loose => ({
    kind: 'difference',
    ...run(id, seal),
    target: { ...target, key: { id: key } },
    how,
    columns: PEOPLE_COLUMNS.map(({ name }) => name),
    trail: null,
    table: null,
    last: null,
    reasons: ['changed_outside'],
    evidence: [],
    salt: salt(`${id} ${key}`, 8),
    ...more,
  });
  const grace = {
    columns: ['name'],
    trail: { name: GRACE.row['name'] },
    table: { name: RENAMED.row['name'] },
    last: { leaf: first },
    evidence: [first],
  };
  return [
    runSalt('r2', seal),
    runSalt('r3', seal),
    found('r3', 'differs', '2', grace),
    found('r3', 'only_in_trail', '3', {
      trail: ZOE.row,
      last: { leaf: first + 1 },
      evidence: [first + 1],
      encoded: pointers('trail', ZOE),
    }),
    found('r3', 'only_in_table', '9', { table: STRANGER.row, encoded: pointers('table', STRANGER) }),
    runSalt('r4', seal),
    found('r4', 'differs', '2', grace),
    { kind: 'difference', ...run('r4', seal), how: 'more', count: 3, salt: salt('r4 more', 8) },
  ];
}

const pointers = (side: string, { encoded = {} }: RowDraft): Loose =>
  Object.fromEntries(Object.entries(encoded).map(([column, kind]) => [`/${side}/${column}`, kind]));
