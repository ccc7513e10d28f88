/**
 * What a trail's name and an object's key may look like, and the order of keys. A key that is written is
 * checked strictly; keys that a store lists may be anybody's junk and are only kept from climbing out of the
 * trail (`folder.ts`). Never lets a part be empty, `.` or `..`.
 */
import { RowsealError } from '../base/errors.ts';
import { isTrailName } from '../trail/names.ts';

const KEY_PART = /^(?!\.+$)[A-Za-z0-9._-]{1,255}$/;

/** Throws `config_invalid` unless this is a trail's name, whose parts are then safe as folders' names. */
export function checkTrailName(trail: string): void {
  if (!isTrailName(trail)) {
    throw new RowsealError('config_invalid', `${JSON.stringify(trail)} cannot be a trail's name`, {
      hint: 'A name looks like audit.example.com/orders: parts of a-z, 0-9, dot and hyphen.',
    });
  }
}

/** Throws `internal` unless the key is one that this program could have computed. */
export function checkKey(key: string): void {
  if (key.length > 512 || !key.split('/').every((part) => KEY_PART.test(part))) {
    throw new RowsealError('internal', `${JSON.stringify(key)} cannot be an object's key`);
  }
}

/** Bytewise order of two keys in UTF-8, which is S3's. Plain comparison is it, save where surrogates occur. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

const SURROGATE = /[\ud800-\udfff]/;
