/**
 * A payload that lies in several packets, or was cut by the end of a chunk, while it is put together: in scratch that is
 * used again, a large one in memory of its own that goes back at once. It must never hold more than one payload beside
 * the one that is lent, nor give memory back that somebody still reads.
 */
import { RowsealError } from '../../../base/errors.ts';

/** Bytes of a packet's header: the length of its body, its number. */
export const HEADER = 4;
/** A body of this length goes on in the next packet. */
export const FULL = 0xff_ffff;
/** The largest event: max_allowed_packet is at most 1 GiB (manual), and an event's headers come on top. */
const MAX_PAYLOAD = 2 ** 30 + 2 ** 20;
/** Scratch that stays; a larger payload has memory of its own. */
const SCRATCH_BYTES = 64 * 1024;

export interface GatheredParts {
  /** Judges the header of the packet that comes next; returns the length of its body. */
  readonly header: (bytes: Buffer, at: number) => number;
  /** How large a payload says that it is, from what is there of it. */
  readonly announced: (start: Buffer) => number;
}

export class GatheredPayload {
  /** Nothing is there; behind a `gather`: the payload is whole. */
  idle = true;
  /** How much of the payload is there. */
  length = 0;

  readonly #parts: GatheredParts;
  /** Header bytes of the packet that was cut, and what is missing of its body. */
  readonly #head = Buffer.alloc(HEADER);
  #headFilled = 0;
  #missing = 0;
  /** The payload goes on in the next packet. */
  #more = false;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #whole = this.#scratch;
  /** A payload that was handed over and is still read. */
  #lent: Buffer | null = null;

  constructor(parts: GatheredParts) {
    this.#parts = parts;
  }

  /** Takes a piece of the chunk; returns where the next piece begins. */
  gather(chunk: Buffer, from: number): number {
    let at = from;
    this.idle = false;
    if (this.#missing === 0) {
      const taken = chunk.copy(this.#head, this.#headFilled, at, at + HEADER - this.#headFilled);
      this.#headFilled += taken;
      at += taken;
      if (this.#headFilled < HEADER) return at;
      this.#missing = this.#parts.header(this.#head, 0);
      this.#headFilled = 0;
      this.#more = this.#missing === FULL;
      this.#makeRoom(this.length + this.#missing);
    }
    const taken = chunk.copy(this.#whole, this.length, at, at + this.#missing);
    this.length += taken;
    this.#missing -= taken;
    this.idle = this.#missing === 0 && !this.#more;
    return at + taken;
  }

  /** The whole payload's memory, which its reader has until `giveBack` or `lend`. The next payload begins. */
  take(): Buffer {
    const done = this.#whole;
    this.#whole = this.#scratch;
    this.length = 0;
    return done;
  }

  giveBack(bytes: Buffer): void {
    if (bytes !== this.#scratch) (bytes.buffer as ArrayBuffer).transfer(0);
  }

  /** Its reader has it until `returned`; nothing may be gathered before. */
  lend(bytes: Buffer): void {
    this.#lent = bytes;
  }

  returned(): void {
    if (this.#lent !== null) this.giveBack(this.#lent);
    this.#lent = null;
  }

  /** Memory of the size that a payload announces costs nothing before it is written to. */
  #makeRoom(size: number): void {
    if (size > MAX_PAYLOAD) {
      throw new RowsealError('stream_not_understood', `a packet of more than ${MAX_PAYLOAD} bytes`);
    }
    if (size <= this.#whole.length) return;
    const said = this.length > 0 ? this.#parts.announced(this.#whole.subarray(0, this.length)) : size;
    const larger = Buffer.allocUnsafeSlow(Math.min(said < size ? size * 2 : said, MAX_PAYLOAD));
    this.#whole.copy(larger, 0, 0, this.length);
    this.giveBack(this.#whole);
    this.#whole = larger;
  }
}
