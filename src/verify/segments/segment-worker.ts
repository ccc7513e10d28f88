/** The thread that checks segments: an object and its entry in, a report out. It must never touch anything else. */
import { parentPort } from 'node:worker_threads';
import { checkSegment, type SegmentJob, type SegmentReport } from './segment-check.ts';

export interface WorkerRequest {
  readonly id: number;
  readonly object: Uint8Array;
  readonly job: SegmentJob;
}

/** `id` is the request's. */
export type WorkerReply =
  | { readonly id: number; readonly report: SegmentReport }
  | { readonly id: number; readonly failure: string };

// Until a thread detaches its first buffer, V8 compiles on the assumption that none ever is; then it throws all of its
// machine code away. Every segment's buffers are detached: so this happens at once, and not behind the first segment.
new ArrayBuffer(1).transfer(0);

parentPort?.on('message', ({ id, object, job }: WorkerRequest) => {
  try {
    const bytes = Buffer.from(object.buffer, object.byteOffset, object.byteLength);
    const report = checkSegment(bytes, job);
    parentPort?.postMessage({ id, report } satisfies WorkerReply, [
      report.runs.table.buffer,
      report.runs.texts.buffer,
    ]);
  } catch (error) {
    parentPort?.postMessage({ id, failure: String(error) } satisfies WorkerReply);
  }
});
