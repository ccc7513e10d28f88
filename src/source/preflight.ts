/**
 * What doctor and setup say of any engine: a check, a plan's step, a table's wish. Pure; which checks there are, and
 * what a plan does, is each engine's own.
 */
import { compilePolicy, type TableRule } from '../change/policy/policy.ts';
import { type KnownTable, type Server, unmatchedRedactions } from '../change/policy/unmatched.ts';

/** In the order in which they are shown. */
export const CHECK_GROUPS = [
  'login',
  'server',
  'binlog',
  'slot',
  'publication',
  'kit',
  'tables',
  'foreign key',
  'key',
  'store',
  'trail',
] as const;

/** One precondition as doctor shows it. `fix` is SQL or a command that can be pasted; empty where nothing is to do. */
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
  return fix.replaceAll('-c FILE', () => `-c ${shellWord(file)}`);
}

/** A path as a shell takes it for one word. */
export function shellWord(path: string): string {
  return /^[\w./@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Names for a line: the first five and how many more. */
export function shorten(names: readonly string[]): string {
  return names.length <= 5
    ? names.join(', ')
    : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}

/** What the configuration asks of tables. */
export interface TableWish {
  readonly match: string;
  readonly exclude: boolean;
  readonly context_trigger: boolean;
  readonly replica_identity: 'keep' | 'full';
  /** Redactions by the column's name. */
  readonly columns?: TableRule['columns'];
  readonly former_columns?: TableRule['columns'];
}

/** The rule that holds for a table: the last whose pattern matches it or an ancestor; null where none does. */
export function wishFor<T extends Pick<TableWish, 'match' | 'exclude'>>(
  table: {
    readonly schema: string;
    readonly table: string;
    readonly ancestors?: readonly string[];
    readonly foldsNames?: boolean;
  },
  wishes: readonly T[],
): T | null {
  const { schema, table: name, ancestors = [], foldsNames = false } = table;
  // Matched by the very rule that the recorder applies, one entry at a time.
  const found = wishes.findLast(
    ({ match }) =>
      compilePolicy({ tables: [{ match }] }).table({ schema, table: name, ancestors, foldsNames }) !== null,
  );
  return found === undefined || found.exclude ? null : found;
}

/**
 * Redactions that no column has: somebody renamed it, misspelt it, or did not repeat it in a later entry. The daemon stops
 * for the same (unmatched.ts); what it can't judge, since tables may be hidden from who asks, is a warning.
 */
export function redactionChecks(
  tables: readonly Omit<KnownTable, 'ancestors'>[],
  wishes: readonly TableWish[],
  server: Server,
): Check[] {
  const policy = compilePolicy({ tables: wishes.map(withoutKey) });
  const known = tables.map((table): KnownTable => ({ ancestors: [], ...table }));
  const certain = new Set(unmatchedRedactions(policy, known, server).map(({ rule }) => rule));
  return unmatchedRedactions(policy, known, { ...server, hidesTables: false }).map(({ rule, columns, why }) =>
    check(
      'tables',
      `tables.redaction.${rule}`,
      certain.has(rule) ? 'fail' : 'warn',
      `${rule}: ${shorten(columns)}: ${certain.has(rule) ? why : 'no table that can be seen is its'}`,
      {
        why: 'what was meant to be redacted would stand in the trail as it is, for good: run stops (redaction_unmatched)',
        fix: `See columns of the entry { match: ${rule} }: names of now stand there, earlier ones and those that are gone or still to come under former_columns; the last entry that matches a table holds for it as a whole.`,
      },
    ),
  );
}

/** Whether there is an HMAC key is not asked here. */
function withoutKey({ match, exclude, columns = {}, former_columns = {} }: TableWish): TableRule {
  const masked = (named: object) =>
    Object.fromEntries(Object.keys(named).map((name) => [name, 'mask' as const]));
  return { match, exclude, columns: masked(columns), former_columns: masked(former_columns) };
}

/** One step of setup. */
export interface Step {
  readonly title: string;
  /** Runnable with the database's own command line. */
  readonly sql: string;
  /** `sql` one by one, where a name in it could look like the end of a statement. */
  readonly statements?: readonly string[];
  /** Stands for `sql` wherever people read: the SQL holds a password's verifier. */
  readonly shown?: string;
  /** A name in it can't be printed as it is: no SQL for a person, nor for a client that reads lines. */
  readonly unprintable?: boolean;
}

/** What setup would do. A plan that holds a refusal must not be run, not even in part. */
export interface Plan {
  /** What would break the application, or belongs to somebody else; nothing is done while there is any. */
  readonly refused: readonly { readonly what: string; readonly why: string; readonly fix: string }[];
  /** What stays as it is, though the configuration asks for it. */
  readonly notes: readonly string[];
  readonly steps: readonly Step[];
}
