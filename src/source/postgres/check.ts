/** One precondition as doctor shows it. `fix` is SQL or a command that can be pasted; empty where nothing is to do. */

export const CHECK_GROUPS = [
  'login',
  'server',
  'slot',
  'publication',
  'kit',
  'tables',
  'key',
  'store',
  'trail',
] as const;

export interface Check {
  readonly group: (typeof CHECK_GROUPS)[number];
  readonly id: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** Why it matters, or what it costs. */
  readonly why: string;
  readonly fix: string;
}

/** What could not be asked, so that nobody takes it for good. */
export interface Unchecked {
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** A check whose `why` and `fix` are only told when it is not ok. */
export function check(
  group: Check['group'],
  id: string,
  status: Check['status'],
  what: string,
  mend: { why: string; fix: string } = { why: '', fix: '' },
): Check {
  return { group, id, status, what, ...(status === 'ok' ? { why: '', fix: '' } : mend) };
}

/** A command in a fix says `-c FILE`: whoever knows the configuration's path puts it in. */
export function nameFile(fix: string, file: string): string {
  const word = /^[\w./@%+-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
  return fix.replaceAll('-c FILE', () => `-c ${word}`);
}

/** Names for a line: the first five and how many more. */
export function shorten(names: readonly string[]): string {
  return names.length <= 5
    ? names.join(', ')
    : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
