/**
 * Prepared transactions that memory does not hold, each in a spool of its own. What stands there is not redacted yet: it
 * is encrypted with a key that nobody keeps, and worthless after a crash, since the server sends it again.
 */
import { type Cipheriv, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Spool } from '../../../change/spool.ts';

export interface OverflowParts {
  /** Another spool, empty. */
  readonly open: () => Spool & { close(): void };
  /** Of all spools together. */
  readonly maxBytes: number;
}

export interface Overflow {
  /** Null where there are too many. */
  open(): Overflowed | null;
  /** Forgets everything. */
  close(): void;
}

export interface Overflowed {
  /** Behind what is there. False where it would be too much: then the event was not taken. */
  push(event: Buffer): boolean;
  /** In their order, once; each is taken away when it is read. */
  events(): Iterable<Buffer>;
  /** Idempotent. */
  close(): void;
}

/** Each has an open file. */
const MAX_OPEN = 1024;
const LENGTH_BYTES = 4;
const CIPHER = 'aes-256-ctr';

export function createOverflow({ open, maxBytes }: OverflowParts): Overflow {
  const all = new Set<Overflowed>();
  let bytes = 0;

  const one = (): Overflowed => {
    const spool = open();
    const [key, iv] = [randomBytes(32), randomBytes(16)];
    const cipher = createCipheriv(CIPHER, key, iv);
    let own = 0;
    const made: Overflowed = {
      push(event) {
        const size = LENGTH_BYTES + event.length;
        if (bytes + size > maxBytes) return false;
        const length = Buffer.allocUnsafe(LENGTH_BYTES);
        length.writeUInt32LE(event.length);
        spool.append(cipher.update(length));
        spool.append(cipher.update(event));
        bytes += size;
        own += size;
        return true;
      },
      *events() {
        const decipher = createDecipheriv(CIPHER, key, iv);
        while (spool.bytes > 0) {
          const size = take(spool, LENGTH_BYTES, decipher).readUInt32LE();
          yield take(spool, size, decipher);
        }
      },
      close() {
        if (!all.delete(made)) return;
        bytes -= own;
        spool.close();
      },
    };
    return made;
  };

  return {
    open() {
      if (all.size === MAX_OPEN) return null;
      const made = one();
      all.add(made);
      return made;
    },
    close() {
      for (const each of all) each.close();
    },
  };
}

function take(spool: Spool, size: number, decipher: Cipheriv): Buffer {
  const plain = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) at += decipher.update(spool.take(size - at)).copy(plain, at);
  return plain;
}
