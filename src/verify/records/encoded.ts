/**
 * The member `encoded` of a record: every pointer leads to something in the record, and that something looks as its
 * kind of encoding says (FORMAT.md section 12). Kinds that are not known here are passed over.
 */
import { isMembers, type Members } from './kinds.ts';

/** What is wrong, or null. */
export function encodedProblem(record: Members, encoded: unknown): string | null {
  if (!isMembers(encoded)) return 'encoded is no object';
  for (const [pointer, kind] of Object.entries(encoded)) {
    if (typeof kind !== 'string') return 'encoded holds something else than names';
    const found = follow(record, pointer);
    if (found === null) return `encoded points nowhere: ${pointer}`;
    if (!looksRight(kind, found.value)) return `what ${pointer} leads to does not look like ${kind}`;
  }
  return null;
}

function follow(record: Members, pointer: string): { readonly value: unknown } | null {
  if (!pointer.startsWith('/')) return null;
  let at: unknown = record;
  for (const raw of pointer.slice(1).split('/')) {
    const token = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return null;
    at = (at as Members)[token];
  }
  return { value: at };
}

const TEXTS: Readonly<Record<string, RegExp>> = {
  hmac: /^[^:]+:[A-Za-z0-9+/]{43}=$/,
  sha256: /^[0-9a-f]{64}:(?:0|[1-9][0-9]*)$/,
  bytes: /^\\x(?:[0-9a-f]{2})*$/,
  json: /^/,
};

function looksRight(kind: string, value: unknown): boolean {
  if (kind === 'mask') return value === null;
  const form = Object.hasOwn(TEXTS, kind) ? TEXTS[kind] : undefined;
  return form === undefined || (typeof value === 'string' && form.test(value));
}
