/**
 * The bytes of what waits, first in, first out: what is left of the piece that is being read, then the spool, then what
 * was written last. It must never let newer bytes pass older ones, nor hold more than memory and spool may.
 */
import { RowsealError } from '../../base/errors.ts';
import { RecordBuffer } from '../buffer.ts';
import type { Spool } from '../spool.ts';

const SPOOL_PIECE_BYTES = 1024 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

export class WaitingBytes {
  /** Where new bytes are appended. Another buffer after `fill`. */
  tail = new RecordBuffer();
  /** The oldest bytes, `[frontAt, front.length)`; whoever reads them moves `frontAt`. Others after `fill`. */
  front = NOTHING;
  frontAt = 0;
  #spare = new RecordBuffer();
  readonly #memoryBytes: number;
  readonly #spoolBytes: number;
  readonly #spool: Spool | null;

  constructor(memoryBytes: number, spoolBytes: number, spool: Spool | null) {
    this.#memoryBytes = memoryBytes;
    this.#spoolBytes = spoolBytes;
    this.#spool = spool;
  }

  get length(): number {
    return this.front.length - this.frontAt + (this.#spool?.bytes ?? 0) + this.tail.length;
  }

  get empty(): boolean {
    return (
      this.frontAt === this.front.length &&
      this.tail.length === 0 &&
      (this.#spool === null || this.#spool.bytes === 0)
    );
  }

  /** Puts `tail` into the spool where it is more than memory may hold. May throw `spool_full`. */
  spill(): void {
    const { tail } = this;
    const spool = this.#spool;
    if (tail.length <= this.#memoryBytes) return;
    if (spool === null || spool.bytes + tail.length > this.#spoolBytes) {
      throw new RowsealError(
        'spool_full',
        'rows that wait for their context filled the memory and the spool',
        {
          details: { memory_bytes: this.#memoryBytes, spool_bytes: spool === null ? 0 : this.#spoolBytes },
        },
      );
    }
    spool.append(tail.bytes.subarray(0, tail.length));
    tail.reset();
  }

  /** Makes at least `size` bytes readable in `front`; false where so many do not wait. */
  fill(size: number): boolean {
    while (this.front.length - this.frontAt < size) {
      if (this.#spool !== null && this.#spool.bytes > 0) {
        this.front = Buffer.concat([this.front.subarray(this.frontAt), this.#spool.take(SPOOL_PIECE_BYTES)]);
      } else if (this.frontAt === this.front.length && this.tail.length > 0) {
        const full = this.tail;
        this.tail = this.#spare;
        this.tail.reset();
        this.#spare = full;
        this.front = full.bytes.subarray(0, full.length);
      } else return false;
      this.frontAt = 0;
    }
    return true;
  }
}
