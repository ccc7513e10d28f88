/**
 * The record that explains a change of the trail's key, held to the seal that makes it (FORMAT.md section 8). Pure. It
 * must never decide which key signs: the seal alone does.
 */
import { type Seal, sealLevel } from '../../trail/seal.ts';
import type { Fault } from '../findings/findings.ts';
import type { SegmentReport } from './segment-check.ts';

/** `reports` are those of all segments of the seal. */
export function keyRecordFaults(seal: Seal, reports: readonly SegmentReport[]): Fault[] {
  const next = sealLevel(seal) >= 2 ? seal.next_key : undefined;
  const records = reports.flatMap(({ keys }) => keys);
  const fault = (message: string, leaf?: number): Fault[] => [
    { code: 'key_record', message, ...(leaf === undefined ? {} : { leaf }) },
  ];
  const [first, second] = records;
  if (next === undefined) {
    return first === undefined ? [] : fault('it names keys, its seal names no next one', first.leaf);
  }
  if (first === undefined) return fault('it names a next key, and no record of kind key tells of it');
  if (second !== undefined) return fault('it has more than one record of kind key', second.leaf);
  return first.logKeys[0] === next ? [] : fault('its first key is not the next one of its seal', first.leaf);
}
