/**
 * Runs a MySQL or MariaDB source against a test server and keeps what it tells as plain objects, for tests to compare.
 */
import type { ChangeHandler, Observation, RowImage, TransactionStart } from '../../src/change/change.ts';
import { NULL, RAW, TEXT } from '../../src/change/change.ts';
import {
  createMysqlSource,
  type MysqlSource,
  type MysqlSourceOptions,
} from '../../src/source/mysql/source.ts';
import type { Opened, Resume } from '../../src/source/source.ts';
import type { TestMysql } from './mysql.ts';
import { until } from './patience.ts';

export interface MysqlChange {
  readonly action: 'insert' | 'update' | 'delete';
  readonly table: string;
  readonly before: Readonly<Record<string, string | null>> | null;
  readonly after: Readonly<Record<string, string | null>> | null;
}

export interface MysqlTransaction extends TransactionStart {
  readonly changes: MysqlChange[];
  readonly messages: { readonly prefix: string; readonly content: string }[];
  end: string;
}

export interface RunningMysql extends AsyncDisposable {
  readonly source: MysqlSource;
  readonly opened: Opened;
  readonly transactions: MysqlTransaction[];
  readonly observations: Observation[];
  readonly quiets: string[];
  /** Values of the column `id` of every change, in order. */
  ids(): (string | null)[];
  /** Resolves when the condition holds; rejects when the stream ends or patience does. */
  until(condition: () => boolean, idleMs?: number): Promise<void>;
  /** How the stream ended: null when it was closed. */
  readonly ended: Promise<unknown>;
}

export const NEW_TRAIL: Resume = { through: null, incarnation: null, acceptGap: null };

/** The capture user and its URL, verified against the server's own authority. */
export async function captureUrl(server: TestMysql, params = ''): Promise<string> {
  await server.sql(`create user if not exists capture@'%' identified by 'open sesame'`);
  await server.sql(`grant replication slave, replication client on *.* to capture@'%'`);
  await server.sql(`grant select on performance_schema.* to capture@'%'`);
  const ca = server.caFile === null ? 'ssl-mode=REQUIRED' : `ssl-ca=${encodeURIComponent(server.caFile)}`;
  return `mysql://capture:open%20sesame@${server.host}:${server.port}/?${ca}${params}`;
}

export async function captureMysql(
  url: string,
  options: Partial<MysqlSourceOptions> & { resume?: Resume; acknowledge?: boolean } = {},
): Promise<RunningMysql> {
  const { resume, acknowledge, ...rest } = options;
  const source = createMysqlSource({
    url,
    serverId: 4242,
    heartbeatMs: 3000,
    watchMs: 200,
    matches: () => true,
    log: { info: () => undefined, warn: () => undefined },
    clock: Date.now,
    ...rest,
  });
  const opened = await source.open(resume ?? NEW_TRAIL).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const transactions: MysqlTransaction[] = [];
  const observations: Observation[] = [];
  const quiets: string[] = [];
  let open: MysqlTransaction | null = null;
  let over: { readonly error: unknown } | null = null;
  const inside = () => {
    if (open === null) throw new Error('an event outside of a transaction');
    return open;
  };
  const outside = () => {
    if (open !== null) throw new Error('inside a transaction');
  };
  const handler: ChangeHandler = {
    begin: (transaction) => {
      outside();
      open = { ...transaction, changes: [], messages: [], end: '' };
    },
    row: (action, { schema, table, columns }, before, _isKey, after) => {
      const row = (image: RowImage | null) =>
        image && Object.fromEntries(columns.map(({ name }, index) => [name, cell(image, index)]));
      const names = `${schema}.${table}`;
      inside().changes.push({ action, table: names, before: row(before), after: row(after) });
    },
    truncate: () => inside(),
    message: (prefix, content) => void inside().messages.push({ prefix, content: content.toString('utf8') }),
    commit: (end) => {
      const done = inside();
      open = null;
      done.end = end;
      transactions.push(done);
      if (acknowledge !== false) source.acknowledge(end);
    },
    quiet: (position) => {
      outside();
      quiets.push(position);
      if (acknowledge !== false) source.acknowledge(position);
    },
    observe: (observation) => {
      if (!('within' in observation) && observation.kind !== 'tamper') outside();
      observations.push(observation);
    },
  };
  const ended = source.stream(handler).then(
    () => {
      over = { error: null };
      return null;
    },
    (error: unknown) => {
      over = { error };
      return error;
    },
  );
  return {
    source,
    opened,
    transactions,
    observations,
    quiets,
    ended,
    ids: () =>
      transactions.flatMap(({ changes }) =>
        changes.map(({ before, after }) => (after ?? before)?.['id'] ?? null),
      ),
    until: (condition, idleMs) => {
      const holds = () => {
        const is = condition();
        if (!is && over !== null) throw over.error ?? new Error('the stream was closed');
        return is;
      };
      return until(holds, idleMs, 5, String(condition));
    },
    [Symbol.asyncDispose]: async () => {
      await source.close();
      await ended;
    },
  };
}

/** A cell's text; what is neither text nor null in angle brackets. */
function cell(image: RowImage, index: number): string | null {
  const kind = image.kinds[index];
  if (kind === NULL) return null;
  if (kind !== TEXT && kind !== RAW) return `<${kind}>`;
  const bytes = image.bytes.subarray(image.starts[index], image.ends[index]);
  return kind === RAW ? `<${bytes.toString('hex')}>` : bytes.toString('utf8');
}
