import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { EVENT } from '../events/events.ts';
import { createBacklog, reaches } from './backlog.ts';
import { createReadPlace } from './read-place.ts';

const A = '11111111-1111-1111-1111-111111111111';

describe('what is not sealed yet', () => {
  test('is as old as its oldest commit, nearly', () => {
    const backlog = createBacklog();
    expect(backlog.since()).toBeNull();
    for (let number = 1; number <= 9; number++) {
      backlog.committed(`${A}:1-${number}`, number * 1000, { file: 'bin.000001', position: number });
    }
    expect([backlog.since(), backlog.place()?.position]).toEqual([1000, 1]);
    backlog.sealed(`${A}:1-5`);
    expect(backlog.since()).toBe(9000);
    backlog.sealed(`${A}:1-8`);
    expect(backlog.since()).toBe(9000);
    backlog.sealed(`${A}:1-9`);
    expect([backlog.since(), backlog.place()?.position]).toEqual([null, 9]);
  });

  test.each([
    [`${A}:1-5`, `${A}:1-5`, true],
    [`${A}:1-5`, `${A}:1-6`, false],
    ['0-1-5,1-1-3', '0-1-5', true],
    ['0-1-5', '0-1-5,1-1-3', false],
    ['0-1-7;xa=0-1-2', '0-1-6', true],
    ['bin.000009:100', 'bin.000010:4', false],
    ['bin.000010:4', 'bin.000009:100', true],
    ['bin.000010:4', 'bin.000010:5', false],
    ['empty', `${A}:1`, false],
    [`${A}:1`, 'empty', true],
  ])('%s covers %s: %s', (through, end, expected) => {
    expect(reaches(through, end)).toBe(expected);
  });
});

test('the place in the files is what the events say', () => {
  const place = createReadPlace();
  expect(place.now()).toBeNull();
  const event = (type: number, end: number, body = Buffer.alloc(0)) => {
    const bytes = Buffer.concat([Buffer.alloc(19), body, Buffer.alloc(4)]);
    bytes[4] = type;
    bytes.writeUInt32LE(end, 13);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
    return bytes;
  };
  const rotate = (file: string, position: number) => {
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(position));
    return event(EVENT.ROTATE, 0, Buffer.concat([head, Buffer.from(file)]));
  };
  place.heard(rotate('bin.000001', 4));
  place.heard(event(EVENT.QUERY, 400));
  expect(place.now()).toEqual({ file: 'bin.000001', position: 400 });
  place.heard(event(EVENT.QUERY, 0));
  expect(place.now()).toEqual({ file: 'bin.000001', position: 400 });
  place.heard(rotate('bin.000002', 4));
  expect(place.now()).toEqual({ file: 'bin.000002', position: 4 });
});
