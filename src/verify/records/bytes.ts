/** What the scans of records ask of bytes. All of it assumes that the grammar was checked, or is about to be. */

/** Whether `b[at, end)` is this word. */
export function is(b: Buffer, at: number, end: number, word: Buffer): boolean {
  if (end - at !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (b[at + i] !== word[i]) return false;
  return true;
}

/** Whether this word begins at `at`. */
export function matches(b: Buffer, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (b[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** Value strings: from behind the opening quote to the closing one. Anything but a string is left to the slow path. */
export function isText(b: Buffer, at: number, behind: number): boolean {
  return b[at] === 0x22 && behind - at >= 2;
}

/** Whether these bytes hold a backslash. */
export function holdsEscape(b: Buffer, start: number, stop: number): boolean {
  for (let i = start; i < stop; i++) if (b[i] === 0x5c) return true;
  return false;
}

/** Whether two stretches hold the same bytes. */
export function sameBytes(
  b: Buffer,
  start: number,
  stop: number,
  otherStart: number,
  otherStop: number,
): boolean {
  if (stop - start !== otherStop - otherStart) return false;
  for (let i = start, j = otherStart; i < stop; i++, j++) if (b[i] !== b[j]) return false;
  return true;
}

/** `[1-9][0-9]{0,14}`, or NaN: longer ones are left to the slow path. */
export function ourInteger(b: Buffer, at: number, behind: number): number {
  if (behind - at > 15 || b[at] === 0x30) return Number.NaN;
  let value = 0;
  for (let i = at; i < behind; i++) {
    const digit = b[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether `b[at, end)` has the form of a database's time: `2026-11-21T20:18:33.123456Z`. */
export function isTime(b: Buffer, at: number, end: number): boolean {
  if (end - at !== TIME.length) return false;
  for (let i = 0; i < TIME.length; i++) {
    const c = b[at + i]!;
    if (TIME[i] === 0x30 ? c < 0x30 || c > 0x39 : c !== TIME[i]) return false;
  }
  return true;
}

const TIME = Buffer.from('0000-00-00T00:00:00.000000Z');

/** Whether `b[at, end)` is canonical base64 of so many bytes: 8, or 16. */
export function isBase64(b: Buffer, at: number, end: number, bytes: 8 | 16): boolean {
  const padding = bytes === 8 ? 1 : 2;
  const last = at + (bytes === 8 ? 11 : 22) - 1;
  if (end - last - 1 !== padding) return false;
  for (let i = at; i <= last; i++) if (BASE64[b[i]!] === 0) return false;
  for (let i = last + 1; i < end; i++) if (b[i] !== 0x3d) return false;
  // Of the last digit only the upper bits are used: 4 of 6 before one sign of padding, 2 before two.
  return ((BASE64[b[last]!]! - 1) & (padding === 1 ? 3 : 15)) === 0;
}

/** One more than the value of each digit; 0 for what is none. */
const BASE64 = new Uint8Array(256);
for (const [value, digit] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  BASE64[digit.charCodeAt(0)] = value + 1;
}
