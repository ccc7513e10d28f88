/**
 * Cuts a statement into tokens by MySQL's lexical rules (manual: "Literal Values", "Comments", "Schema Object Names"), far
 * enough to tell what is a literal, a name and a comment. Where the server's reading is not certain, what is cut off as
 * a literal must be too much rather than too little: an open literal or comment reaches to the end.
 */

/** `open` and `close`: the ends of a comment that the server executes (`/*!80000`), whose inside is cut into tokens too. */
export type TokenKind = 'word' | 'name' | 'string' | 'comment' | 'open' | 'close' | 'space' | 'other';

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  /** Inside of a comment that the server may execute or not. */
  readonly conditional: boolean;
}

/** What of sql_mode decides how a statement is read. */
export interface QuotingMode {
  /** ANSI_QUOTES: "…" is a name. */
  readonly ansiQuotes: boolean;
  /** NO_BACKSLASH_ESCAPES: \ is a character as any other. */
  readonly noBackslashEscapes: boolean;
}

const SPACE = /\s+/y;
const WORD = /[\w$\u0080-\uffff]+/y;
const HEX = /0x[0-9a-f]+(?![\w$\u0080-\uffff])/iy;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]{0,80})?\$/y;
const EXECUTED = /\/\*(?:M?!)[0-9]{0,6}/y;

export function* tokensOf(text: string, mode: QuotingMode): Generator<Token> {
  let at = 0;
  let conditional = false;
  const match = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : 0;
  };
  while (at < text.length) {
    const start = at;
    let kind: TokenKind = 'other';
    const first = text[at]!;
    at = match(SPACE);
    if (at > 0) kind = 'space';
    else {
      at = start;
      if (first === "'" || (first === '"' && !mode.ansiQuotes)) {
        kind = 'string';
        at = endOfQuoted(text, start, first, !mode.noBackslashEscapes);
      } else if (first === '`' || first === '"') {
        kind = 'name';
        at = endOfQuoted(text, start, first, false);
      } else if (first === '#' || isDashComment(text, start)) {
        kind = 'comment';
        at = text.indexOf('\n', start);
        if (at < 0) at = text.length;
      } else if (first === '/' && text[start + 1] === '*') {
        const executed = match(EXECUTED);
        if (executed > 0) {
          kind = 'open';
          conditional = true;
          at = executed;
        } else {
          kind = 'comment';
          const end = text.indexOf('*/', start + 2);
          at = end < 0 ? text.length : end + 2;
        }
      } else if (conditional && first === '*' && text[start + 1] === '/') {
        kind = 'close';
        conditional = false;
        at = start + 2;
      } else if (first === '$' && match(DOLLAR) > 0) {
        // MySQL 9: a string between two such marks, as the body of a stored program in another language.
        kind = 'string';
        const tag = text.slice(start, match(DOLLAR));
        const end = text.indexOf(tag, start + tag.length);
        at = end < 0 ? text.length : end + tag.length;
      } else if (match(HEX) > 0) {
        kind = 'string';
        at = match(HEX);
      } else if (match(WORD) > 0) {
        kind = 'word';
        at = match(WORD);
      } else at = start + 1;
    }
    yield { kind, start, end: at, conditional: conditional || kind === 'close' };
  }
}

/** `--` begins a comment where a space, a control character or the end follows. */
function isDashComment(text: string, at: number): boolean {
  return (
    text[at] === '-' && text[at + 1] === '-' && (at + 2 >= text.length || text.charCodeAt(at + 2) <= 0x20)
  );
}

/**
 * Behind the closing quote; doubled quotes belong to the inside. Each byte is looked at once: a literal may be megabytes of
 * quotes and backslashes, as a document in JSON is.
 */
function endOfQuoted(text: string, start: number, quote: string, escapes: boolean): number {
  let at = start + 1;
  let backslash = escapes ? text.indexOf('\\', at) : -1;
  let close = text.indexOf(quote, at);
  while (close >= 0) {
    if (backslash >= 0 && backslash < close) {
      at = backslash + 2;
      backslash = text.indexOf('\\', at);
      if (close < at) close = text.indexOf(quote, at);
      continue;
    }
    if (text[close + 1] !== quote) return close + 1;
    at = close + 2;
    if (backslash >= 0 && backslash < at) backslash = text.indexOf('\\', at);
    close = text.indexOf(quote, at);
  }
  return text.length;
}
