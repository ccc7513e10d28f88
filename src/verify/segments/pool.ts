/**
 * Checks segments on as many threads as there are cores. Threads start when there is work for them; small segments
 * are checked at once, since handing them over would cost more. A thread that dies is an error, never a segment that
 * passes. Each thread is given its next segment while it checks one, so that it need not wait; none queues up here.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RowsealError } from '../../base/errors.ts';
import { checkSegment, type SegmentJob, type SegmentReport } from './segment-check.ts';
import type { WorkerReply, WorkerRequest } from './segment-worker.ts';

/** Plain bytes up to which a segment is checked in the calling thread. */
const INLINE_BYTES = 128 * 1024;
/** Segments that a thread may have: the one that it checks, and the next one. */
const HELD = 2;

export interface SegmentPool {
  /** Reads the object when a thread has room for it, then checks it. Rejects with what `read` throws, or `internal`. */
  check(job: SegmentJob, read: () => Promise<Buffer>): Promise<SegmentReport>;
  close(): Promise<void>;
}

export function createPool(size: number): SegmentPool {
  const threads: Thread[] = [];
  const waiting: ((thread: Thread) => void)[] = [];

  const take = async (): Promise<Thread> => {
    let thread = threads.toSorted((a, b) => a.held - b.held)[0];
    if ((thread === undefined || thread.held > 0) && threads.length < size) {
      thread = startThread();
      threads.push(thread);
    }
    if (thread === undefined || thread.held >= HELD) return new Promise((resolve) => waiting.push(resolve));
    thread.held += 1;
    return thread;
  };
  const release = (thread: Thread): void => {
    const next = waiting.shift();
    if (next === undefined) thread.held -= 1;
    else next(thread);
  };

  return {
    async check(job, read) {
      if (job.entry.plain_bytes <= INLINE_BYTES) return checkSegment(await read(), job);
      const thread = await take();
      try {
        return await thread.ask(await read(), job);
      } finally {
        release(thread);
      }
    },
    async close() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

interface Thread {
  readonly worker: Worker;
  /** Segments read for it, or checked by it. */
  held: number;
  ask(object: Buffer, job: SegmentJob): Promise<SegmentReport>;
}

interface Asked {
  readonly object: string;
  readonly resolve: (report: SegmentReport) => void;
  readonly reject: (error: Error) => void;
}

function startThread(): Thread {
  const worker = new Worker(new URL(`./segment-worker${extname(import.meta.url)}`, import.meta.url));
  const asked = new Map<number, Asked>();
  let last = 0;
  let ended: RowsealError | null = null;
  const end = (cause: unknown): void => {
    ended ??= new RowsealError('internal', 'A checking thread ended.', { cause });
    for (const { reject } of asked.values()) reject(ended);
    asked.clear();
  };
  worker.on('error', end).on('exit', end);
  worker.on('message', (reply: WorkerReply) => {
    const { object, resolve, reject } = asked.get(reply.id)!;
    asked.delete(reply.id);
    if ('report' in reply) resolve(reply.report);
    else reject(new RowsealError('internal', `Checking ${object}: ${reply.failure}`));
  });
  return {
    worker,
    held: 0,
    ask: (object, job) =>
      new Promise((resolve, reject) => {
        if (ended !== null) return reject(ended);
        const id = ++last;
        asked.set(id, { object: job.entry.object, resolve, reject });
        worker.postMessage({ id, object, job } satisfies WorkerRequest);
      }),
  };
}
