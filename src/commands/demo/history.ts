/**
 * A row's history for people: from change records to lines of when, who, how sure, what from → to. Pure. It shows
 * what the records say and nothing else; a value that is redacted shows as such.
 */

/** The members of a record that a history needs; see FORMAT.md. */
export interface HistoryRecord {
  readonly kind: string;
  readonly time: string;
  readonly actor?: { readonly type: string; readonly id?: string; readonly email?: string };
  readonly attribution?: { readonly tier: string; readonly via?: string | null };
  readonly action?: string;
  readonly connection?: { readonly user?: string; readonly application?: string; readonly pid?: number };
  readonly patch?: readonly Operation[];
  readonly encoded?: Readonly<Record<string, string>>;
  /** Kind ddl: the statement with its literals masked. */
  readonly statement?: string | null;
}

export interface Operation {
  readonly op: 'test' | 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

const ROW_WIDTH = 56;

export const HISTORY_HEAD = ['when (UTC)', 'who', 'known by', 'what'] as const;

/** Rows for a table; a record with several changed values takes several rows. */
export function historyRows(records: readonly HistoryRecord[]): string[][] {
  return records.flatMap((record) => {
    const [first = '', ...more] = whatOf(record);
    return [
      [record.time.slice(11, 26), whoOf(record), record.attribution?.tier ?? '', first],
      ...more.map((text) => ['', '', '', text]),
    ];
  });
}

function whoOf({ kind, actor, connection }: HistoryRecord): string {
  if (actor === undefined) return '';
  const name = actor.email ?? actor.id;
  const who = name === undefined ? actor.type : `${actor.type} ${name}`;
  return kind === 'ddl' && connection?.application ? `${who}, ${connection.application}` : who;
}

function whatOf({ kind, action, patch, statement, encoded }: HistoryRecord): string[] {
  if (kind === 'ddl') return [statement ?? 'ddl'];
  return [...changesOf(patch ?? [], encoded ?? {})].map(
    (text, at) => `${(at === 0 ? (action ?? '') : '').padEnd(6)}  ${text}`,
  );
}

/** One line for each value that changed; a whole row on one line. */
function* changesOf(
  patch: readonly Operation[],
  encoded: Readonly<Record<string, string>>,
): Generator<string> {
  let old: Operation | null = null;
  for (const [at, operation] of patch.entries()) {
    const { op, path, value } = operation;
    const shown = show(value, encoded[`/patch/${at}/value`]);
    if (op === 'test') {
      old = operation;
      continue;
    }
    const was = old?.path === path ? show(old.value, encoded[`/patch/${at - 1}/value`]) : null;
    if (path === '') yield* rowOf(op === 'remove' ? old?.value : value);
    else if (op === 'remove') yield `${nameOf(path)}: ${was} → (gone)`;
    else yield was === null ? `${nameOf(path)}: → ${shown}` : `${nameOf(path)}: ${was} → ${shown}`;
    old = null;
  }
}

/** `/details/ship_to/city` → `details.ship_to.city` (RFC 6901 escapes undone). */
function nameOf(pointer: string): string {
  const parts = pointer.slice(1).split('/');
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.');
}

/** A whole row: as many columns on a line as fit. */
function* rowOf(row: unknown): Generator<string> {
  if (typeof row !== 'object' || row === null) return;
  let line = '';
  for (const [name, value] of Object.entries(row)) {
    const cell = `${name} ${show(value, undefined)}`;
    if (line !== '' && line.length + cell.length > ROW_WIDTH) {
      yield `${line},`;
      line = cell;
    } else line = line === '' ? cell : `${line}, ${cell}`;
  }
  yield line;
}

function show(value: unknown, encoding: string | undefined): string {
  if (encoding === 'mask') return '(masked)';
  return JSON.stringify(value) ?? '';
}
