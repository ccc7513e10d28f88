/** A change's patch as a person reads it: one line for each value, whole rows packed. Pure; hostile text is escaped. */
import { clean, join, type Paint, type Printable, text } from '../../base/text.ts';
import { entriesOf, type Members, membersOf, textOf } from './record-members.ts';

/** A whole row: as many columns on a line as fit. */
const ROW_WIDTH = 56;
/** A longer value is cut; --json has all of it. */
const WIDEST = 160;

/** `old → new` for what changed, the columns of a row that came or went. */
export function* changesOf(record: Members, paint: Paint): Generator<Printable> {
  const patch = entriesOf(record['patch']);
  const encoded = membersOf(record['encoded']);
  const show = (at: number) =>
    encoded[`/patch/${at}/value`] === 'mask' ? text`(masked)` : shown(patch[at]?.['value']);
  // The tests of operations that have not come yet: one before its replace, all of a key before its remove.
  let tests: { readonly path: string; readonly at: number }[] = [];
  if (record['action'] === 'update' && patch.length === 0) yield text`(no column changed)`;
  for (const [at, { op, path: given, value }] of patch.entries()) {
    const path = textOf(given);
    if (op === 'test') {
      tests.push({ path, at });
      continue;
    }
    const old = tests.find((test) => test.path === path);
    const was = old === undefined ? text`` : text`${paint(31, show(old.at))} `;
    if (op === 'remove' && path === '') {
      if (old !== undefined) yield* rowOf(patch[old.at]?.['value'], 31, paint);
      else for (const test of tests) yield text`${nameOf(test.path)}: ${paint(31, show(test.at))} → (gone)`;
    } else if (op === 'remove') yield text`${nameOf(path)}: ${was}→ (gone)`;
    else if (path === '' && old !== undefined) yield* rowChangesOf(patch[old.at]?.['value'], value, paint);
    else if (path === '') yield* rowOf(value, 32, paint);
    else yield text`${nameOf(path)}: ${was}→ ${paint(32, show(at))}`;
    tests = [];
  }
}

/** `/details/ship_to/city` → `details.ship_to.city` (RFC 6901 escapes undone). */
function nameOf(pointer: string): Printable {
  const parts = pointer.slice(1).split('/');
  return clean(parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.'));
}

/** Of a table without a key: the whole row before and behind it. */
function* rowChangesOf(before: unknown, after: unknown, paint: Paint): Generator<Printable> {
  const [old, now] = [membersOf(before), membersOf(after)];
  let changed = false;
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const [was, is] = [shown(old[name]), shown(now[name])];
    if (JSON.stringify(old[name]) === JSON.stringify(now[name])) continue;
    changed = true;
    yield text`${clean(name)}: ${paint(31, was)} → ${paint(32, is)}`;
  }
  if (!changed) yield text`(no column changed)`;
}

function* rowOf(row: unknown, code: number, paint: Paint): Generator<Printable> {
  if (typeof row !== 'object' || row === null) return;
  let line: Printable[] = [];
  let width = 0;
  for (const [name, value] of Object.entries(row)) {
    const [column, cell] = [clean(name), shown(value)];
    const needed = column.length + 1 + cell.length;
    if (line.length > 0 && width + needed > ROW_WIDTH) {
      yield text`${join(line, text`, `)},`;
      line = [];
      width = 0;
    }
    line.push(text`${column} ${paint(code, cell)}`);
    width += needed + 2;
  }
  yield join(line, text`, `);
}

/** A value as JSON, cut where it is long. */
export function shown(value: unknown): Printable {
  const whole = JSON.stringify(value) ?? '';
  return whole.length > WIDEST
    ? text`${clean(whole.slice(0, WIDEST))}… (${whole.length} characters)`
    : clean(whole);
}
