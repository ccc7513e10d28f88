/** A slot and a publication of a test's own, read in pieces: what was committed meanwhile, as the recorder tells it. */
import { compilePolicy, type TableRule } from '../../src/change/policy/policy.ts';
import { createRecorder } from '../../src/change/recorder/recorder.ts';
import { createPostgresSource } from '../../src/source/postgres/source.ts';
import { createWatch, type Watch } from '../../src/source/postgres/watch/watch.ts';
import { parseLsn } from '../../src/source/postgres/wire/lsn.ts';
import { until } from './patience.ts';
import { textSink } from './plain-record.ts';
import type { TestServer } from './postgres.ts';
import { capture, NEW_TRAIL, slotIsFree } from './postgres-capture.ts';

/** A record as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it as JSON
export type Read = Record<string, any>;

interface Resume {
  readonly through: string;
  readonly incarnation: string;
  readonly acceptGap: null;
}

/** A slot and a publication of a test's own, and what the recorder makes of what comes out of them. */
export function trailOf(server: TestServer, name: string, tables: readonly TableRule[]) {
  const policy = compilePolicy({ tables });
  const matches: Parameters<typeof createWatch>[0]['matches'] = (schema, table, ancestors) =>
    policy.table({ schema, table, ancestors }) !== null;
  const parts = { slot: name, publication: name, matches };
  let resume: Resume | null = null;
  return {
    parts,
    watch: () => createWatch(parts),
    /** Makes the slot; what happens from now on is read later. */
    async open(watch?: Watch): Promise<void> {
      await using before = await capture(server, {
        ...parts,
        acknowledge: false,
        ...(watch ? { watch } : {}),
      });
      const { start, identity } = before.opened;
      resume = { through: start, incarnation: identity.incarnation, acceptGap: null };
    },
    /** Every record of what was committed until now; each of `during` is committed whole before the stream reads it. */
    async read(watch?: Watch, during: readonly string[] = []): Promise<Read[]> {
      await slotIsFree(server, name);
      const source = createPostgresSource({
        url: server.url,
        ...parts,
        heartbeatMs: 0,
        watchMs: 50,
        ...(watch ? { watch } : {}),
        log: { info: () => undefined, warn: () => undefined },
        clock: Date.now,
      });
      const opened = await source.open(resume ?? NEW_TRAIL);
      const { sink, records } = textSink();
      const progress = { through: opened.start, transactions: 0, partial: null };
      const recorder = createRecorder({ trail: 't/shop', policy, sink, resume: progress, now: Date.now });
      let failure: unknown = null;
      const ended = source.stream(recorder).catch((error: unknown) => {
        failure = error;
      });
      for (const statement of ['select', ...during]) {
        source.pause();
        await server.sql(statement);
        source.resume();
        await server.sql(`select pg_logical_emit_message(true, 'test', 'so that it ends')`);
        const [row] = await server.sql('select pg_current_wal_lsn() as lsn');
        const target = parseLsn(row!['lsn']!);
        await until(() => failure !== null || parseLsn(recorder.progress().through) >= target);
        if (failure !== null) break;
      }
      await source.close();
      await ended;
      if (failure !== null) throw failure;
      return records.map(({ text }) => JSON.parse(text));
    },
  };
}
