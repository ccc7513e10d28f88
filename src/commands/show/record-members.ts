/** Members of a record as somebody wrote them: of any shape, since a trail may be hostile. Pure; nothing here throws. */

export type Members = Readonly<Record<string, unknown>>;

/** An object's members; none of anything else. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

/** Each entry of an array as its members; none of anything else. */
export function entriesOf(value: unknown): Members[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

/** A string as it is, anything else as JSON; empty where it is absent or null. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
