/** The thread that checks segments: an object and its entry in, a report out. It must never touch anything else. */
import { parentPort } from 'node:worker_threads';
import { checkSegment, type SegmentJob, type SegmentReport } from './segment-check.ts';

export interface WorkerRequest {
  readonly object: Uint8Array;
  readonly job: SegmentJob;
}

export type WorkerReply = { readonly report: SegmentReport } | { readonly failure: string };

parentPort?.on('message', ({ object, job }: WorkerRequest) => {
  try {
    const bytes = Buffer.from(object.buffer, object.byteOffset, object.byteLength);
    const report = checkSegment(bytes, job);
    parentPort?.postMessage({ report } satisfies WorkerReply, [
      report.runs.table.buffer,
      report.runs.texts.buffer,
    ]);
  } catch (error) {
    parentPort?.postMessage({ failure: String(error) } satisfies WorkerReply);
  }
});
