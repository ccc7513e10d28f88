/**
 * Records of the hand-made trails in test/vectors, each of one kind, as FORMAT.md section 11 describes what our writer
 * writes. Members that a record is given go over its own. It must know nothing of the writer.
 */
import { hash } from 'node:crypto';
import { parseRow, rowTexts } from '../../../src/trail/rows/row.ts';
import { createRowTree } from '../../../src/trail/rows/row-tree.ts';
import type { Loose } from '../trail-builder.ts';

export const line = (record: Loose): string => JSON.stringify(record);

/** Of second `second` behind 20:00, as a database says it. */
export const committed = (second: number): string =>
  `2026-11-21T20:00:${String(second).padStart(2, '0')}.123456Z`;
/** The writer's clock, in the second of that seal. */
export const written = (seal: number): string => `2026-11-21T20:01:${String(seal).padStart(2, '0')}.000Z`;

/** A number as it stands in the text: `1.0` stays `1.0`. */
export const digits = (text: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);

/** What happened at one place of one transaction; the number is its second, too. */
export function acted(kind: string, action: string, number: number, index: number, more: Loose): Loose {
  return {
    kind,
    id: `made:${number}:${index}`,
    time: committed(number),
    actor: { type: 'user', id: 'u_8842' },
    attribution: { tier: 'asserted', via: 'message' },
    action,
    target: null,
    outcome: 'success',
    transaction: { id: `${770 + number}`, position: `0/16B4${number}00`, number, index },
    ...more,
  };
}

export const insert = (number: number, index: number, target: Loose, row: Loose, more: Loose = {}): Loose =>
  acted('change', 'insert', number, index, {
    target,
    image: 'full',
    patch: [{ op: 'add', path: '', value: row }],
    ...more,
  });

/** Columns from what they were to what they are. */
export function update(
  number: number,
  index: number,
  target: Loose,
  columns: Readonly<Record<string, readonly [unknown, unknown]>>,
  more: Loose = {},
): Loose {
  const patch = Object.entries(columns).flatMap(([name, [old, now]]) => [
    { op: 'test', path: `/${name}`, value: old },
    { op: 'replace', path: `/${name}`, value: now },
  ]);
  return acted('change', 'update', number, index, { target, image: 'full', patch, ...more });
}

export interface ColumnDraft {
  readonly name: string;
  readonly type: string;
  readonly encoding: string;
  readonly number?: number;
  readonly redaction?: string;
}

export function relation(
  target: Loose,
  className: string,
  columns: readonly ColumnDraft[],
  identity: readonly string[],
  more: Loose = {},
): Loose {
  return {
    kind: 'relation',
    time: committed(1),
    target,
    class: className,
    columns: columns.map(({ name, ...rest }) => ({ name, ...rest, identity: identity.includes(name) })),
    key: ['id'],
    replica_identity: 'full',
    partition_of: [],
    context_trigger: true,
    ...more,
  };
}

export const lifecycle = (seal: number, event: string, details: Loose = {}): Loose => ({
  kind: 'lifecycle',
  time: written(seal),
  event,
  details,
});

export const gap = (seal: number, from: string, to: string, reason: string, more: Loose = {}): Loose => ({
  kind: 'gap',
  time: written(seal),
  from,
  to,
  reason,
  ...more,
});

/** A row and which of its columns are of which kind. */
export interface RowDraft {
  readonly row: Loose;
  readonly encoded?: Readonly<Record<string, string>>;
}

const textsOf = ({ row, encoded = {} }: RowDraft) =>
  rowTexts(parseRow(Buffer.from(JSON.stringify(row)), new Map(Object.entries(encoded))), new Set(['id']));

/** `row/1` of these rows, whose key is `id`: one side of a comparison. */
export function sideOf(rows: readonly RowDraft[], runSalt: string): { rows: number; root: string } {
  const tree = createRowTree(Buffer.from(runSalt, 'base64'));
  for (const each of rows) tree.add(textsOf(each));
  return { rows: rows.length, root: tree.root().toString('base64') };
}

/** The member `before` of an update of this row. */
export function beforeOf(row: RowDraft): string {
  return hash('sha256', textsOf(row).row, 'buffer').subarray(0, 16).toString('base64');
}

/** What is encoded in these rows, as pointers below `at`. */
export function pointersOf(rows: readonly RowDraft[], at: string): Loose {
  const pairs = rows.flatMap(({ encoded = {} }, i) =>
    Object.entries(encoded).map(([column, kind]) => [`${at}/${i}/${column}`, kind]),
  );
  return pairs.length === 0 ? {} : { encoded: Object.fromEntries(pairs) as Loose };
}
