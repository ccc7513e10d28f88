/**
 * How the demo speaks: numbered steps, what to type to do the same by hand, what came of it. Aligned for 100
 * columns; colour only where somebody looks at it. It must never print a password.
 */
import { blanks, cleaned, type Printable, painter, text as words } from '../../base/text.ts';

export interface Narrator {
  title(text: string): void;
  /** Begins a step; the time since the step before it is told at its end. */
  step(title: string): void;
  say(text: string): void;
  /** A line of a command's own output, as it is. */
  plain(text: string): void;
  /** What to type to do the same by hand: a command, or SQL with the prompt that it is typed at: `$`, `=#`. */
  hand(prompt: string, text: string): void;
  /** What was expected and came. */
  done(text: string): void;
  /** Tampering, or who did it, found as it should be. */
  caught(text: string): void;
  /** What should not have come. */
  wrong(text: string): void;
}

const WIDTH = 100;

export interface NarratorOptions {
  write(text: Printable): void;
  readonly colour: boolean;
}

export function createNarrator({ write, colour }: NarratorOptions): Narrator {
  const paint = painter(colour);
  const line = (part = words``) => write(words`${part}\n`);
  let steps = 0;
  const marked = (mark: Printable, code: number, text: string) => {
    const [first = words``, ...more] = wrap(text, WIDTH - 5);
    line(words`   ${paint(code, mark)} ${first}`);
    for (const next of more) line(words`     ${next}`);
  };
  return {
    title(text) {
      line(paint(1, cleaned(text)));
    },
    step(title) {
      steps += 1;
      line();
      line(paint(1, cleaned(`${String(steps).padStart(2)} ${title}`)));
    },
    say(text) {
      for (const each of wrap(text, WIDTH - 3)) line(words`   ${each}`);
    },
    plain: (text) => line(cleaned(`   ${text}`.trimEnd())),
    hand(prompt, text) {
      // Never wrapped: it is there to be copied.
      const [first = words``, ...more] = text.split('\n').map(cleaned);
      line(words`   ${paint(2, cleaned(prompt))} ${paint(36, first)}`);
      for (const next of more) line(words`   ${blanks(prompt.length)} ${paint(36, next)}`);
    },
    done: (text) => marked(words`✓`, 32, text),
    caught: (text) => marked(words`!`, 33, text),
    wrong: (text) => marked(words`✗`, 31, text),
  };
}

/** Whether to colour: a terminal that can, and nobody who forbade it (no-color.org). */
export function wantsColour(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** Code points, which is what a terminal's columns are for the text that we print. */
function visible(text: string): number {
  return [...text].length;
}

function wrap(text: string, width: number): Printable[] {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .map(cleaned);
}

function wrapLine(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && visible(current) + 1 + visible(word) > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}
