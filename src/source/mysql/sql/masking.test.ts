import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskedStatement } from './masking.ts';

const PLAIN = { ansiQuotes: false, noBackslashEscapes: false };
const ANSI = { ansiQuotes: true, noBackslashEscapes: true };

describe('literals and comments', () => {
  test.each([
    ["a DEFAULT 'x''y' COMMENT \"z\"", PLAIN, "a DEFAULT '…' COMMENT '…'"],
    ["a 'x\\'y' b", PLAIN, "a '…' b"],
    ["a 'x\\' b", ANSI, "a '…' b"],
    ['"na""me" \'x\'', ANSI, '"na""me" \'…\''],
    ["`it's` 'x'", PLAIN, "`it's` '…'"],
    ["a -- don't\n'x'", PLAIN, "a '…'"],
    ["a --'x'", PLAIN, "a --'…'"],
    ["a # don't\n'x'", PLAIN, "a '…'"],
    ["a /* it's */ 'x' /*+ hint 'y' */", PLAIN, "a '…'"],
    ["/*!50003 DEFAULT 'x' */ b", PLAIN, "/*!50003 DEFAULT '…' */ b"],
    ["x'ff', N'n', _utf8mb4'u', 0xDEAD, 12", PLAIN, "x'…', N'…', _utf8mb4'…', '…', 12"],
    ["AS $$ let s = 'x' $$ b", PLAIN, "AS '…' b"],
    ["AS $js$ 'x' $$ $js$ b", PLAIN, "AS '…' b"],
    ["a 'open", PLAIN, "a '…'"],
    ['a `open', PLAIN, 'a `…`'],
    ['a /* open', PLAIN, 'a'],
    ['a $$ open', PLAIN, "a '…'"],
  ])('%s', (statement, mode, masked) => {
    expect(maskedStatement(statement, mode)).toBe(masked);
  });

  test('no literal shows, whatever stands around it', () => {
    const noise = fc.string({
      unit: fc.constantFrom(
        'a',
        ' ',
        '`a b`',
        '--\n',
        '-- ',
        '/*',
        '*/',
        '/*!1 ',
        '-',
        '#',
        '1',
        '(',
        '\n',
        '$$',
      ),
    });
    const literal = fc.constantFrom(
      "'SECRET'",
      '"SECRET"',
      "'a\\'SECRET'",
      "'a''SECRET'",
      '$$SECRET$$',
      '0x5ec8e7',
    );
    fc.assert(
      fc.property(noise, literal, noise, (before, each, after) => {
        // An open `$$` reads the literal's own as its end, as the server would.
        fc.pre(!each.startsWith('$$') || !before.includes('$$'));
        const masked = maskedStatement(`${before} ${each} ${after}`, PLAIN);
        expect(masked).not.toContain('SECRET');
        expect(masked).not.toContain('5ec8e7');
      }),
    );
  });
});
