/**
 * Where in the binlog's files the stream is, by what every event says itself. For metrics: the position that counts is
 * the decoder's.
 */
import { crc32 } from 'node:zlib';
import { EVENT, HEADER_BYTES } from '../events/events.ts';
import type { FilePlace } from './backlog.ts';

export interface ReadPlace {
  heard(event: Buffer): void;
  now(): FilePlace | null;
}

export function createReadPlace(): ReadPlace {
  let file: string | null = null;
  let position = 4;
  return {
    heard: (event) => {
      if (event.length < HEADER_BYTES) return;
      if (event[4] === EVENT.ROTATE && event.length >= HEADER_BYTES + 8) {
        file = event.toString('utf8', HEADER_BYTES + 8, withoutChecksum(event));
        position = Number(event.readBigUInt64LE(HEADER_BYTES));
        return;
      }
      const end = event.readUInt32LE(13); // 0 inside transactions of MariaDB 11.8, and in made-up events
      if (end > position) position = end;
    },
    now: () => (file === null ? null : { file, position }),
  };
}

/** Whether events end in four bytes more differs from file to file: the bytes themselves tell. */
function withoutChecksum(event: Buffer): number {
  const end = event.length - 4;
  return crc32(event.subarray(0, end)) === event.readUInt32LE(end) ? end : event.length;
}
