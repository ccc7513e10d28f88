/** The sealer's side of segment-worker.ts: jobs in, objects out, in order; a dead worker fails every job. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RowsealError } from '../../base/errors.ts';
import type { SegmentJob, SegmentResult } from './segment-worker.ts';

export interface SegmentThread {
  /** Copies `plain`. */
  run(plain: Buffer, first: number): Promise<SegmentResult>;
  close(): Promise<void>;
}

export function startSegmentThread(): SegmentThread {
  // In a clone this file is .ts and so is the worker; built, both are .js.
  const worker = new Worker(new URL(`./segment-worker${extname(import.meta.url)}`, import.meta.url), {
    // Its garbage is short-lived strings of hashes: room for them costs memory and gains nothing.
    resourceLimits: { maxYoungGenerationSizeMb: 6 },
  });
  const waiting = new Map<number, { resolve(result: SegmentResult): void; reject(error: Error): void }>();
  let nextId = 0;
  let dead: Error | null = null;
  worker.on('message', (result: SegmentResult) => {
    waiting.get(result.id)?.resolve(result);
    waiting.delete(result.id);
  });
  const fail = (cause: unknown) => {
    dead ??= new RowsealError('internal', 'The sealing thread ended.', { cause });
    for (const job of waiting.values()) job.reject(dead);
    waiting.clear();
  };
  worker.on('error', fail);
  worker.on('exit', fail);
  return {
    run(plain, first) {
      return new Promise((resolve, reject) => {
        if (dead !== null) return reject(dead);
        // A copy costs less than memory that goes and comes back: to V8 that is new garbage for each segment.
        const copy = new Uint8Array(Buffer.allocUnsafeSlow(plain.length).buffer);
        copy.set(plain);
        const job: SegmentJob = { id: nextId++, plain: copy, first };
        waiting.set(job.id, { resolve, reject });
        worker.postMessage(job, [copy.buffer]);
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}
