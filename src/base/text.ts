/**
 * The only way for text to a terminal, a log or a line of SQL that people read. Whatever came from elsewhere (a name in a
 * catalog, a value, a path, a server's message) goes through `clean`, and the type Printable says that it did: outputs take
 * nothing else, so the compiler refuses a raw name. Nothing is ever dropped: what could steer a terminal, end a line or
 * hide stands there as `\u{1b}`. `test/e2e/printing.test.ts` sees to it that nobody gets round it. Pure.
 */

declare const printable: unique symbol;

/** Holds no character that steers or hides, but for those that we wrote ourselves. */
export type Printable = string & { readonly [printable]: true };

/** A record's own bytes, which `show --json` promises. */
export type RecordBytes = Buffer & { readonly [printable]: true };

/** Where commands write to. */
export interface Output {
  write(text: Printable | RecordBytes): boolean;
  once(event: 'drain', listener: () => void): unknown;
  readonly isTTY?: boolean;
}

/** Controls, line ends, marks of direction and whatever else has no shape: zero-width, variation, tag, lone surrogate. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** The same, but for those that hold an emoji together. */
const EMOJI_OR_HIDDEN = /\p{RGI_Emoji}|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gv;
/** What a terminal may get beside lines: our colours, and the end of a line of progress. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these very ones
const OURS = /(\n|\u001b\[[0-9;]*m|\r\u001b\[K)/;

/** Each hidden character as `spell` writes it. */
export function escapeHidden(raw: string, spell: (codePoint: number) => string): string {
  if (!HIDDEN.test(raw)) return raw;
  return raw.replace(EMOJI_OR_HIDDEN, (found) => {
    const first = found.codePointAt(0) as number;
    return HIDDEN.test(String.fromCodePoint(first)) ? spell(first) : found;
  });
}

/** Whether nothing hides in it. */
export function isClean(raw: string): boolean {
  return cleaned(raw) === raw;
}

/**
 * One line, for a terminal or a comment in SQL. Two texts that differ still do: a backslash that would look like the
 * beginning of an escape is escaped itself. Hence once, where the text is printed: a Printable is refused.
 */
export function clean<T extends string>(raw: T & (T extends Printable ? never : unknown)): Printable {
  return cleaned(raw.replaceAll('\\u{', '\\u{5c}u{'));
}

/** One line of text in which names may be clean already. */
export function cleaned(mixed: string): Printable {
  return escapeHidden(mixed, braced) as Printable;
}

function braced(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

/** Our own words, with what may stand in them. */
export function text(strings: TemplateStringsArray, ...values: readonly (Printable | number)[]): Printable {
  return String.raw({ raw: strings }, ...values) as Printable;
}

export function join(parts: readonly Printable[], separator: Printable): Printable {
  return parts.join(separator) as Printable;
}

export function linesOf(printed: Printable): Printable[] {
  return printed.split('\n') as Printable[];
}

/** Filled with blanks on its right. */
export function pad(part: Printable, width: number): Printable {
  return part.padEnd(width) as Printable;
}

/** Without blanks at its end. */
export function trimmed(part: Printable): Printable {
  return part.trimEnd() as Printable;
}

export function blanks(count: number): Printable {
  return ' '.repeat(count) as Printable;
}

/** A value as JSON, with escapes for what a terminal would take for more than text: the same value to whoever parses it. */
export function json(value: unknown): Printable {
  return jsonLine(JSON.stringify(value));
}

/** JSON as somebody else wrote it; line ends stand between its values alone. */
export function jsonLine(written: string): Printable {
  const line = (part: string) =>
    escapeHidden(part, (codePoint) => unitsOf(codePoint).map(jsonEscape).join(''));
  return written.split('\n').map(line).join('\n') as Printable;
}

function unitsOf(codePoint: number): number[] {
  return String.fromCodePoint(codePoint)
    .split('')
    .map((unit) => unit.charCodeAt(0));
}

function jsonEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** SQL to be run as it stands: lines of it, clean each. Throws where one is not, for it can't be printed and stay the same. */
export function sqlText(sql: string): Printable {
  const unclean = sql.split('\n').find((line) => !isClean(line));
  if (unclean !== undefined) throw new Error(`SQL that can't be printed: ${cleaned(unclean)}`);
  return sql as Printable;
}

/** A record's very bytes where a program reads them, the same JSON without hidden characters where a person does. */
export function recordLine(bytes: Buffer, isTerminal: boolean): Printable | RecordBytes {
  if (isTerminal) return text`${jsonLine(bytes.toString())}\n`;
  return Buffer.concat([bytes, Buffer.from('\n')]) as RecordBytes;
}

export type Paint = (code: number, part: Printable) => Printable;

/** Colours by SGR codes, where somebody looks. */
export function painter(colour: boolean): Paint {
  return (code, part) => (colour ? text`\u001b[${code}m${part}\u001b[0m` : part);
}

/** The outermost net: whatever slipped through reaches the stream as text. No line end is caught: that is what `clean` is for. */
export function guarded(stream: NodeJS.WriteStream): Output {
  return {
    write: (what) => stream.write(typeof what === 'string' ? screen(what) : what),
    once: (event, listener) => stream.once(event, listener),
    isTTY: stream.isTTY,
  };
}

export function screen(mixed: string): Printable {
  const parts = mixed.split(OURS).map((part, at) => (at % 2 === 1 ? part : cleaned(part)));
  return parts.join('') as Printable;
}
