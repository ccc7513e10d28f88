/**
 * Checks segments on as many threads as there are cores. Threads start when there is work for them; small
 * segments are checked at once, since handing them over would cost more. A thread that dies is an error, never
 * a segment that passes. Each thread holds one segment at a time, and none waits in a queue here.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RowsealError } from '../base/errors.ts';
import { checkSegment, type SegmentJob, type SegmentReport } from './segment-check.ts';
import type { WorkerReply } from './segment-worker.ts';

/** Plain bytes up to which a segment is checked in the calling thread. */
const INLINE_BYTES = 128 * 1024;

export interface SegmentPool {
  /** Reads the object when a thread is free, then checks it. Rejects with what `read` throws, or `internal`. */
  check(job: SegmentJob, read: () => Promise<Buffer>): Promise<SegmentReport>;
  close(): Promise<void>;
}

export function createPool(size: number): SegmentPool {
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const waiting: ((worker: Worker) => void)[] = [];

  const take = (): Promise<Worker> => {
    const worker = idle.pop();
    if (worker !== undefined) return Promise.resolve(worker);
    if (all.length < size) {
      const started = new Worker(new URL(`./segment-worker${extname(import.meta.url)}`, import.meta.url));
      all.push(started);
      return Promise.resolve(started);
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
  const release = (worker: Worker): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(worker);
    else next(worker);
  };

  return {
    async check(job, read) {
      if (job.entry.plain_bytes <= INLINE_BYTES) return checkSegment(await read(), job);
      const worker = await take();
      try {
        return await ask(worker, await read(), job);
      } finally {
        release(worker);
      }
    },
    async close() {
      await Promise.all(all.map((worker) => worker.terminate()));
    },
  };
}

function ask(worker: Worker, object: Buffer, job: SegmentJob): Promise<SegmentReport> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
      act();
    };
    const onMessage = (reply: WorkerReply): void =>
      settle(() => {
        if ('report' in reply) resolve(reply.report);
        else reject(new RowsealError('internal', `Checking ${job.entry.object}: ${reply.failure}`));
      });
    const onEnd = (cause: unknown): void =>
      settle(() => reject(new RowsealError('internal', 'A checking thread ended.', { cause })));
    worker.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
    worker.postMessage({ object, job });
  });
}
