/** What the daemon tells Prometheus. One registry a process; every series is labelled with its trail. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  /** Events handed over by the source, by kind of outcome: recorded, excluded (by configuration). */
  readonly changes: Counter<'trail' | 'outcome'>;
  /** Recorded changes by attribution tier. */
  readonly attribution: Counter<'trail' | 'tier'>;
  /** Contexts and settings of sessions that were not understood. */
  readonly badContexts: Counter<'trail'>;
  /** Gap records: what the trail admits to miss. */
  readonly gaps: Counter<'trail'>;
  readonly seals: Counter<'trail' | 'reason'>;
  readonly sealedRecords: Counter<'trail'>;
  readonly sealedBytes: Counter<'trail' | 'form'>;
  /** From cut to durable. */
  readonly sealSeconds: Histogram<'trail'>;
  readonly storeRetries: Counter<'trail'>;
  readonly reconnects: Counter<'trail'>;
  readonly head: Gauge<'trail'>;
  readonly lastSeal: Gauge<'trail'>;
  /** Bytes of log on the server behind the last durable seal. */
  readonly lagBytes: Gauge<'trail'>;
  readonly waitingBytes: Gauge<'trail'>;
  readonly healthy: Gauge<'trail'>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name: `rowseal_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `rowseal_${name}`, help, labelNames: ['trail'] as 'trail'[], registers });
  return {
    registry,
    changes: counter('changes_total', 'Changes delivered by the source, by outcome.', ['trail', 'outcome']),
    attribution: counter('attributed_changes_total', 'Recorded changes by attribution tier.', [
      'trail',
      'tier',
    ]),
    badContexts: counter('bad_contexts_total', 'Contexts and session settings that were not understood.', [
      'trail',
    ]),
    gaps: counter('gaps_total', 'Gap records: what the trail admits to miss.', ['trail']),
    seals: counter('seals_total', 'Durable seals by reason.', ['trail', 'reason']),
    sealedRecords: counter('sealed_records_total', 'Records in durable seals.', ['trail']),
    sealedBytes: counter('sealed_bytes_total', 'Bytes in durable segments, plain and stored.', [
      'trail',
      'form',
    ]),
    sealSeconds: new Histogram({
      name: 'rowseal_seal_seconds',
      help: 'From cut to durable.',
      labelNames: ['trail'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    storeRetries: counter('store_retries_total', 'Writes that were tried again.', ['trail']),
    reconnects: counter('reconnects_total', 'Connections to the source after the first.', ['trail']),
    head: gauge('head_seal', 'Number of the newest durable seal.'),
    lastSeal: gauge('last_seal_timestamp_seconds', 'When the newest seal became durable.'),
    lagBytes: gauge('lag_bytes', 'Log on the server behind the newest durable seal.'),
    waitingBytes: gauge('waiting_bytes', 'Bytes of records that wait for their context.'),
    healthy: gauge('healthy', '1 while capture is whole and fresh, else 0.'),
  };
}
