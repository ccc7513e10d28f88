/** A change's patch as a person reads it: one line for each value, whole rows packed. Pure; hostile text is escaped. */
import { entriesOf, type Members, membersOf, textOf } from './record-members.ts';

export type Paint = (code: number, text: string) => string;

/** A whole row: as many columns on a line as fit. */
const ROW_WIDTH = 56;
/** A longer value is cut; --json has all of it. */
const WIDEST = 160;

/** `old → new` for what changed, the columns of a row that came or went. */
export function* changesOf(record: Members, paint: Paint): Generator<string> {
  const patch = entriesOf(record['patch']);
  const encoded = membersOf(record['encoded']);
  const show = (at: number) =>
    encoded[`/patch/${at}/value`] === 'mask' ? '(masked)' : shown(patch[at]?.['value']);
  // The tests of operations that have not come yet: one before its replace, all of a key before its remove.
  let tests: { readonly path: string; readonly at: number }[] = [];
  if (record['action'] === 'update' && patch.length === 0) yield '(no column changed)';
  for (const [at, { op, path: given, value }] of patch.entries()) {
    const path = textOf(given);
    if (op === 'test') {
      tests.push({ path, at });
      continue;
    }
    const old = tests.find((test) => test.path === path);
    const was = old === undefined ? null : paint(31, show(old.at));
    if (op === 'remove' && path === '') {
      if (old !== undefined) yield* rowOf(patch[old.at]?.['value'], (text) => paint(31, text));
      else for (const test of tests) yield `${nameOf(test.path)}: ${paint(31, show(test.at))} → (gone)`;
    } else if (op === 'remove') yield `${nameOf(path)}: ${was} → (gone)`;
    else if (path === '') yield* rowOf(value, (text) => paint(32, text));
    else yield `${nameOf(path)}: ${was === null ? '' : `${was} `}→ ${paint(32, show(at))}`;
    tests = [];
  }
}

/** `/details/ship_to/city` → `details.ship_to.city` (RFC 6901 escapes undone). */
function nameOf(pointer: string): string {
  const parts = pointer.slice(1).split('/');
  return clean(parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.'));
}

function* rowOf(row: unknown, paint: (text: string) => string): Generator<string> {
  if (typeof row !== 'object' || row === null) return;
  let line: string[] = [];
  let width = 0;
  for (const [name, value] of Object.entries(row)) {
    const [column, text] = [clean(name), shown(value)];
    const cell = column.length + 1 + text.length;
    if (line.length > 0 && width + cell > ROW_WIDTH) {
      yield `${line.join(', ')},`;
      line = [];
      width = 0;
    }
    line.push(`${column} ${paint(text)}`);
    width += cell + 2;
  }
  yield line.join(', ');
}

/** A value as JSON, cut where it is long. */
export function shown(value: unknown): string {
  const text = clean(JSON.stringify(value) ?? '');
  return text.length > WIDEST ? `${text.slice(0, WIDEST)}… (${text.length} characters)` : text;
}

export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}
