/**
 * Runs a Postgres source against a test server and keeps what it tells as plain objects, for tests to compare.
 */
import {
  ABSENT,
  type ChangeHandler,
  NULL,
  type Observation,
  RAW,
  type Relation,
  type RowImage,
  type TransactionStart,
  UNCHANGED,
} from '../../src/change/change.ts';
import {
  createPostgresSource,
  type PostgresSource,
  type PostgresSourceOptions,
} from '../../src/source/postgres/source.ts';
import type { Opened, Resume } from '../../src/source/source.ts';
import { until } from './patience.ts';
import type { TestServer } from './postgres.ts';

/** A cell as a test reads it: text, null, or which kind of nothing. RAW cells are `{ raw: hex }`. */
export type Cell = string | null | { readonly kind: 'absent' | 'unchanged' } | { readonly raw: string };
export type Row = Readonly<Record<string, Cell>>;

export const ABSENT_CELL = { kind: 'absent' } as const;
export const UNCHANGED_CELL = { kind: 'unchanged' } as const;

export interface CapturedRow {
  readonly action: 'insert' | 'update' | 'delete';
  readonly relation: Relation;
  readonly table: string;
  readonly before: Row | null;
  readonly beforeIsKey: boolean;
  readonly after: Row | null;
}

export type CapturedEvent =
  | CapturedRow
  | {
      readonly action: 'truncate';
      readonly tables: readonly string[];
      readonly cascade: boolean;
      readonly restartIdentity: boolean;
    }
  | { readonly action: 'message'; readonly prefix: string; readonly content: string };

export interface CapturedTransaction extends TransactionStart {
  readonly events: CapturedEvent[];
  end: string | null;
}

export interface Running extends AsyncDisposable {
  readonly source: PostgresSource;
  readonly opened: Opened;
  /** Committed ones, without those that hold heartbeats or nothing. */
  readonly transactions: CapturedTransaction[];
  readonly observations: Observation[];
  readonly quiets: string[];
  readonly warnings: string[];
  /** Rows of every committed transaction, in order. */
  rows(): CapturedRow[];
  /** Resolves when the condition holds; rejects when the stream ends or patience does. */
  until(condition: () => boolean, idleMs?: number): Promise<void>;
  /** Everything that is committed now has been delivered. */
  caughtUp(server: TestServer): Promise<void>;
  /** How the stream ended: null when it was closed. */
  readonly ended: Promise<unknown>;
}

export const NEW_TRAIL: Resume = { through: null, incarnation: null, acceptGap: null };

export async function capture(
  server: TestServer,
  options: Partial<PostgresSourceOptions> & {
    resume?: Resume;
    acknowledge?: boolean;
    handler?: Partial<ChangeHandler>;
  } = {},
): Promise<Running> {
  const { resume, acknowledge, handler, ...rest } = options;
  const warnings: string[] = [];
  const source = createPostgresSource({
    url: server.url,
    slot: 'rowseal',
    publication: 'rowseal',
    heartbeatMs: 0,
    matches: () => true,
    log: { info: () => undefined, warn: (_, text) => void warnings.push(text) },
    clock: Date.now,
    ...rest,
  });
  const opened = await source.open(resume ?? NEW_TRAIL);
  const transactions: CapturedTransaction[] = [];
  const observations: Observation[] = [];
  const quiets: string[] = [];
  let open: CapturedTransaction | null = null;
  let over: { error: unknown } | null = null;

  const recording: ChangeHandler = {
    begin: (transaction) => {
      if (open !== null) throw new Error('begin inside a transaction');
      open = { ...transaction, events: [], end: null };
    },
    row: (action, relation, before, beforeIsKey, after) =>
      inside(open).events.push({
        action,
        relation,
        table: `${relation.schema}.${relation.table}`,
        before: before && toRow(relation, before),
        beforeIsKey,
        after: after && toRow(relation, after),
      }),
    truncate: (relations, { cascade, restartIdentity }) =>
      inside(open).events.push({
        action: 'truncate',
        tables: relations.map((relation) => `${relation.schema}.${relation.table}`),
        cascade,
        restartIdentity,
      }),
    message: (prefix, content) =>
      inside(open).events.push({ action: 'message', prefix, content: content.toString('utf8') }),
    commit: (end) => {
      const done = inside(open);
      open = null;
      done.end = end;
      if (done.events.some((event) => event.action !== 'message' || event.prefix !== 'rowseal.heartbeat')) {
        transactions.push(done);
      }
      if (acknowledge !== false) source.acknowledge(end);
    },
    quiet: (position) => {
      if (open !== null) throw new Error('quiet inside a transaction');
      quiets.push(position);
      if (acknowledge !== false) source.acknowledge(position);
    },
    observe: (observation) => {
      if (open !== null) throw new Error('observation inside a transaction');
      observations.push(observation);
    },
    ...handler,
  };
  const ended = source.stream(recording).then(
    () => {
      over = { error: null };
      return null;
    },
    (error: unknown) => {
      over = { error };
      return error;
    },
  );
  const wait = (condition: () => boolean, idleMs?: number) => {
    const holds = () => {
      const is = condition();
      if (!is && over !== null) throw over.error ?? new Error('the stream was closed');
      return is;
    };
    return until(holds, idleMs, 5, String(condition));
  };
  return {
    source,
    opened,
    transactions,
    observations,
    quiets,
    warnings,
    ended,
    until: wait,
    rows: () =>
      transactions.flatMap(({ events }) =>
        events.filter((event): event is CapturedRow => 'relation' in event),
      ),
    caughtUp: async (on) => {
      const mark = `mark ${Math.random()}`;
      await on.sql(`select pg_logical_emit_message(true, 'test', $1)`, [mark]);
      const marked = (each: CapturedTransaction) =>
        each.events.some((event) => event.action === 'message' && event.content === mark);
      await wait(() => transactions.some(marked));
      transactions.splice(transactions.findIndex(marked), 1);
    },
    [Symbol.asyncDispose]: async () => {
      await source.close();
      await ended;
    },
  };
}

function inside(open: CapturedTransaction | null): CapturedTransaction {
  if (open === null) throw new Error('an event outside of a transaction');
  return open;
}

function toRow(relation: Relation, image: RowImage): Row {
  if (image.count !== relation.columns.length) throw new Error('cells and columns differ in number');
  return Object.fromEntries(relation.columns.map(({ name }, index) => [name, cell(image, index)]));
}

function cell(image: RowImage, index: number): Cell {
  const kind = image.kinds[index];
  if (kind === NULL) return null;
  if (kind === ABSENT) return ABSENT_CELL;
  if (kind === UNCHANGED) return UNCHANGED_CELL;
  const bytes = image.bytes.subarray(image.starts[index], image.ends[index]);
  return kind === RAW ? { raw: bytes.toString('hex') } : bytes.toString('utf8');
}

/** Resolves when nobody streams from the slot any more: the server notices our leave a moment later. */
export async function slotIsFree(server: TestServer, slot = 'rowseal'): Promise<void> {
  const isFree = async () => {
    const [row] = await server.sql('select active from pg_replication_slots where slot_name = $1', [slot]);
    return row === undefined || row['active'] === 'f';
  };
  await until(isFree, undefined, undefined, `nobody at the slot ${slot}`);
}
