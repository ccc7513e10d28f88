import { expect, test } from 'vitest';
import { createPatience } from './patience.ts';

test('who waits for another’s connection stops when the time is up, and not before', () => {
  const patience = createPatience(60_000);
  expect(patience.left('server_id_in_use', 1000, 2000)).toBe(59_000);
  expect(patience.left('server_id_in_use', 31_000, 32_000)).toBe(29_000);
  expect(patience.left('trail_moved_on', 40_000, 41_000)).toBe(20_000);
  expect(patience.left('server_id_in_use', 60_500, 61_000)).toBe(0);
});

test('what is interrupted otherwise waits for nobody', () => {
  const patience = createPatience(60_000);
  expect(patience.left('source_unreachable', 0, 1000)).toBeNull();
  expect(patience.left('trail_moved_on', 1000, 2000)).toBeNull();
  expect(patience.left('slot_in_use', 500_000, 500_000)).toBe(60_000);
  expect(patience.left('source_unreachable', 510_000, 511_000)).toBeNull();
  expect(patience.left('slot_in_use', 900_000, 900_000)).toBe(60_000);
});

// A daemon waited for its predecessor's connection, streamed for days, and gave up at the next one at once.
test('a stream that lasted starts it anew; streams of a second, that two end for each other, do not', () => {
  const patience = createPatience(60_000);
  expect(patience.left('server_id_in_use', 0, 0)).toBe(60_000);
  expect(patience.left('server_id_in_use', 5000, 900_000_000)).toBe(60_000);
  expect(patience.left('server_id_in_use', 900_005_000, 900_006_000)).toBe(54_000);
  expect(patience.left('server_id_in_use', 900_059_000, 900_061_000)).toBeLessThan(0);
});
