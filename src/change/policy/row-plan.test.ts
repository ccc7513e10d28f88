import { describe, expect, test } from 'vitest';
import type { Relation } from '../change.ts';
import { compilePolicy } from './policy.ts';
import { compileRow } from './row-plan.ts';

const columnsOf = (names: readonly string[], folds: boolean): Relation => ({
  id: '1',
  schema: 'shop',
  table: 'customers',
  columns: names.map((name) => ({ name, type: 'text', encoding: { as: 'string' }, identity: false })),
  replicaIdentity: 'full',
  primaryKey: null,
  ancestors: [],
  contextTrigger: false,
  ...(folds ? { foldsColumns: true } : {}),
});
const rule = {
  match: 'shop.*',
  columns: { email: 'mask', Phone: 'drop', phone: 'mask', name: 'drop' },
} as const;
const policy = compilePolicy({ tables: [rule] });
const redactions = (relation: Relation) => {
  const plan = compileRow(relation, policy);
  const record = JSON.parse(`{${plan?.relationRecord.slice(1)}`) as {
    columns: { name: string; redaction?: string }[];
  };
  const recorded = plan?.columns.map(({ ordinal }) => relation.columns[ordinal]?.name);
  return { recorded, told: record.columns.map(({ redaction }) => redaction ?? null) };
};

describe('redactions by the column’s name', () => {
  // In MySQL Email and email are one column, and CHANGE email Email breaks no application: the values were sealed in the open.
  test('in whatever case it is written, where the database makes no difference', () => {
    expect(redactions(columnsOf(['Email', 'PHONE', 'phone', 'NAME', 'id'], true))).toEqual({
      recorded: ['Email', 'phone', 'id'],
      told: ['mask', 'drop', 'mask', 'drop', null],
    });
  });
  test('exactly, where it does', () => {
    expect(redactions(columnsOf(['Email', 'Phone', 'phone'], false)).told).toEqual([null, 'drop', 'mask']);
  });
});
