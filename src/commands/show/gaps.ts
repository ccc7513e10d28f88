/**
 * Counts the gap records that concern a history on its way past, so that nobody takes a history with holes for a whole
 * one. Pure; it keeps counts, never records.
 */
import { clean, type Printable, text } from '../../base/text.ts';
import type { StoredRecord } from '../../verify/read-records.ts';
import { type Filters, timeBound } from './filter.ts';
import { membersOf, textOf } from './record-members.ts';

type Value = StoredRecord['value'];

export interface GapCount {
  /** Whether the record is a gap in what is asked for. */
  concerns(value: Value): boolean;
  /** Whether the record is such a gap; every record that matched is told, in order. */
  took(record: Pick<StoredRecord, 'seal' | 'value'>): boolean;
  /** Gaps from the first record of the history on; all of them where there was none. */
  count(): number;
}

const GAP = Buffer.from('"kind":"gap"');

/** Null where no table's history is asked for, or gaps are shown themselves. Throws `usage`. */
export function createGapCount({ table, action, from }: Filters): GapCount | null {
  if (table === undefined || action === 'gap') return null;
  // A gap is told after what is missing: one behind `to` may lie before it.
  const earliest = from === undefined ? null : timeBound(from, false);
  let all = 0;
  let since = 0;
  let began = false;
  /** The seal of the last gap before the history began, and how many came in it: inside a seal their order tells little. */
  let latest = { seal: -1, gaps: 0 };
  const concerns = (value: Value) =>
    value['kind'] === 'gap' &&
    (earliest === null || textOf(value['time']) >= earliest) &&
    mayHide(value['details'], table);
  return {
    concerns,
    took({ seal, value }) {
      if (!concerns(value)) {
        if (!began && latest.seal === seal) since += latest.gaps;
        began = true;
        return false;
      }
      if (began) since += 1;
      else latest = { seal, gaps: latest.seal === seal ? latest.gaps + 1 : 1 };
      all += 1;
      return true;
    },
    count: () => (began ? since : all),
  };
}

/** Whether a record's bytes may be a gap's, so that it has to be parsed. */
export function mayBeGap(bytes: Buffer): boolean {
  return bytes.includes(GAP);
}

/** A gap that names no table may hide changes of any. Names are compared without case: some servers fold them. */
function mayHide(details: unknown, wanted: string): boolean {
  const { schema, table } = membersOf(details);
  if (typeof table !== 'string') return true;
  const full = typeof schema === 'string' ? `${schema}.${table}` : table;
  const names = [full, full.slice(full.indexOf('.') + 1)].map((name) => name.toLowerCase());
  return names.includes(wanted.toLowerCase());
}

export function gapsLine(count: number, trail: string): Printable {
  const records = count === 1 ? text`1 gap record` : text`${count} gap records`;
  return text`! ${records} in this time (rowseal show ${clean(trail)} --action gap): changes may be missing\n`;
}
