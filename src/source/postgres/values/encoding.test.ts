import { expect, test } from 'vitest';
import { NULL, RAW, RowImage, TEXT } from '../../../change/change.ts';
import { asUtf8, nameWith, settleWith } from './encoding.ts';

function image(...cells: (Buffer | null)[]): RowImage {
  const row = new RowImage();
  row.resize(cells.length);
  row.bytes = Buffer.concat([Buffer.from('head'), ...cells.filter((cell) => cell !== null)]);
  let at = 4;
  for (const [index, cell] of cells.entries()) {
    row.kinds[index] = cell === null ? NULL : TEXT;
    row.starts[index] = at;
    at += cell?.length ?? 0;
    row.ends[index] = at;
  }
  return row;
}
const text = (row: RowImage, index: number) => row.bytes.toString('hex', row.starts[index], row.ends[index]);

test('cells become UTF-8 or RAW, each on its own', () => {
  const row = image(Buffer.from('a'), Buffer.from([0xe4]), null, Buffer.from([0x81, 0xff]), Buffer.alloc(0));
  settleWith((bytes) => (bytes.includes(0xff) ? null : Buffer.from(bytes.toString('latin1'))))(row);
  expect([...row.kinds.subarray(0, 5)]).toEqual([TEXT, TEXT, NULL, RAW, TEXT]);
  expect([0, 1, 3, 4].map((index) => text(row, index))).toEqual(['61', 'c3a4', '81ff', '']);
});

test('what is UTF-8 already stays where it lies', () => {
  const row = image(Buffer.from('ä'), Buffer.from([0xe4]));
  const { bytes } = row;
  settleWith(asUtf8)(row);
  expect(row.bytes).toBe(bytes);
  expect([...row.kinds.subarray(0, 2)]).toEqual([TEXT, RAW]);
  expect(nameWith(asUtf8)(Buffer.from([0xe4]))).toBe('\\xe4');
});
