/** Whether the comparison with the shadow log sees what it is for: small alterations of a trail that fits. */

import { type ExactObject, parseExact } from './exact-json.ts';
import { type CompareOptions, compareWithShadow } from './shadow-compare.ts';
import type { ReadRecord } from './trail-reader.ts';

/** Makes another trail of it; null where it does not fit this trail. */
export type Alteration = (records: ReadRecord[]) => ReadRecord[] | null;

const GENERIC: Readonly<Record<string, Alteration>> = {
  'a change is missing': (records) => without(records, (line) => line.includes('"kind":"change"')),
  'a change stands twice': (records) => {
    const last = records.findLast(({ line }) => line.includes('"kind":"change"'));
    return last === undefined ? null : [...records, last];
  },
  'two changes stand in each other’s place': (records) => {
    const at = records.findIndex(
      ({ line }, i) =>
        line.includes('"action":"insert"') && records[i + 1]?.line.includes('"action":"insert"'),
    );
    if (at < 0) return null;
    const patch = (of: number) => /"patch":.*$/s.exec((records[of] as ReadRecord).line)?.[0] ?? '';
    const [one, two] = [patch(at), patch(at + 1)];
    if (one === two) return null;
    const swapped = rewrite(records, at, (line) => line.replace(one, () => two));
    return rewrite(swapped, at + 1, (line) => line.replace(two, () => one));
  },
};

/** What the format has from level 2 on, on each engine. */
const LEVEL_2: Readonly<Record<string, Alteration>> = {
  'a number of a column': (records) => {
    const at = records.findIndex(({ line }) => /^\{"kind":"relation".*"number":2\b/.test(line));
    return at < 0 ? null : rewrite(records, at, (line) => line.replace(/"number":2\b/, '"number":1'));
  },
  'a row of a table without a key': (records) =>
    first(records, /("op":"replace","path":"","value":\{)"/, '$1"x":1,"'),
  'JSON’s null for SQL’s': (records) => first(records, /:"null"([,}].*"encoded")/, ':null$1'),
};

export const POSTGRES_ALTERATIONS: Readonly<Record<string, Alteration>> = {
  'a digit of a new value': (records) =>
    first(records, /("op":"add","path":"","value":\{"id":"?)(\d)/, '$19'),
  'a digit beyond a double': (records) => first(records, /12345678901234567890/, '12345678901234567892'),
  'an old value': (records) => first(records, /("op":"test","path":"\/n","value":)\d/, '$199'),
  'an actor': (records) => first(records, /"id":"u_8842"/, '"id":"u_8843"'),
  'a tier': (records) =>
    first(records, /"tier":"connection","via":"trigger"/, '"tier":"session","via":"setting"'),
  'an image': (records) => first(records, /"image":"key"/, '"image":"full"'),
  'a commit time': (records) => first(records, /("kind":"change".*?"time":"[^"]*)\dZ/, '$1xZ'),
  'a key': (records) => first(records, /"key":\{"code":"/, '"key":{"code":"-'),
  'what a statement did': (records) => {
    const pattern = /("table":"[^"]+","kind":"table","oid":\d+,"effects":\[)"columns"\],"columns":\[[\d,]+\]/;
    const at = records.findIndex(({ line }) => pattern.test(line));
    // Its drop of a column stands in two records, either of which would tell.
    if (at < 0 || (records[at] as ReadRecord).line.includes('sql_drop')) return null;
    return rewrite(records, at, (line) => line.replace(pattern, '$1"none"]'));
  },
  'how a value is encoded': (records) => first(records, /,"encoded":\{[^}]*"mask"[^}]*\}/, ''),
};

/** Names of the alterations that give no difference. Those that don't fit this trail count as seen. */
export function blindSpots(
  options: CompareOptions,
  alterations: Readonly<Record<string, Alteration>>,
): string[] {
  return Object.entries({ ...GENERIC, ...LEVEL_2, ...alterations }).flatMap(([name, alter]) => {
    const records = alter(
      options.trail.records.filter(({ line }) => !passedOver(line, options.ignored ?? [])),
    );
    if (records === null) return [];
    const { differences } = compareWithShadow({ ...options, trail: { ...options.trail, records } });
    return differences.length > 0 ? [] : [name];
  });
}

/** Names of the alterations that this trail gives no occasion for. */
export function unfit(
  records: readonly ReadRecord[],
  alterations: Readonly<Record<string, Alteration>>,
): string[] {
  return Object.entries(alterations).flatMap(([name, alter]) => (alter([...records]) === null ? [name] : []));
}

/** Altering what isn't compared proves nothing. */
function passedOver(line: string, ignored: readonly string[]): boolean {
  return ignored.some((table) => line.includes(`"table":"${table}"`));
}

/** The first change record that fits, altered; null where none does. */
export function first(records: ReadRecord[], pattern: RegExp, by: string): ReadRecord[] | null {
  const at = records.findIndex(
    ({ line }) => line.includes('"kind":"change"') && line.replace(pattern, by) !== line,
  );
  return at < 0 ? null : rewrite(records, at, (line) => line.replace(pattern, by));
}

function rewrite(records: readonly ReadRecord[], at: number, change: (line: string) => string): ReadRecord[] {
  return records.map((record, i) => {
    if (i !== at) return record;
    const line = change(record.line);
    return { ...record, line, tree: parseExact(line) as ExactObject };
  });
}

/** Without the first record that fits; null where none does. */
export function without(records: ReadRecord[], fits: (line: string) => boolean): ReadRecord[] | null {
  const at = records.findIndex(({ line }) => fits(line));
  return at < 0 ? null : records.filter((_record, i) => i !== at);
}
