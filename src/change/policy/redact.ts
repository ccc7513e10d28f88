/**
 * Redaction: what a column's policy puts in place of its value. It happens before a byte reaches a segment or
 * the spool, in the key as well as in the patch. Plain text of a redacted column must never leave here.
 */
import { createHmac } from 'node:crypto';
import { RecordBuffer } from '../buffer.ts';
import { type CellKind, NULL } from '../change.ts';
import type { Encoded, ValuePlan } from '../values/plan.ts';
import { writeValue } from '../values/values.ts';
import type { Policy, Redaction } from './policy.ts';

const NULL_TEXT = Buffer.from('null');

/** The JSON of one value before it is hashed. Synchronous use only. */
const plain = new RecordBuffer(4096);

/**
 * Writes what stands for a cell of kind NULL, TEXT or RAW. `mask` is null. `hmac` is `<key id>:<base64>`,
 * HMAC-SHA-256 over the bytes that the value's JSON would have had; SQL NULL too, so that it can't be told.
 */
export function writeRedacted(
  out: RecordBuffer,
  redaction: Exclude<Redaction, 'drop'>,
  hmac: Policy['hmac'],
  value: ValuePlan,
  kind: CellKind,
  source: Buffer,
  start: number,
  end: number,
): Encoded {
  if (redaction === 'mask') {
    out.put(NULL_TEXT);
    return 'mask';
  }
  plain.reset();
  if (kind === NULL) plain.put(NULL_TEXT);
  else writeValue(plain, value, kind, source, start, end, Number.POSITIVE_INFINITY);
  const { id, key } = hmac!;
  const digest = createHmac('sha256', key).update(plain.bytes.subarray(0, plain.length)).digest('base64');
  plain.bytes.fill(0, 0, plain.length);
  out.json(JSON.stringify(`${id}:${digest}`));
  return 'hmac';
}
