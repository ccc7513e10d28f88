/** What a statement can have done to an object that it names: the words of FORMAT.md section 11, ddl, closed at level 2. */

export const DDL_EFFECTS: ReadonlySet<string> = new Set([
  'creates',
  'drops',
  'empties',
  'replaces',
  'renames',
  'columns',
  'rights',
  'none',
  'unknown',
]);

/** These say everything or nothing: no other word stands beside them. */
export const LONE_EFFECTS: ReadonlySet<string> = new Set(['none', 'unknown']);
