/**
 * The words of a statement's beginning: what it is said to do, and to what. Names are compared by what they say, keywords
 * never to a quoted name or a string.
 */
import { type QuotingMode, tokensOf } from './tokens.ts';

/** A token that says something, by its text. */
export interface Word {
  /** Without its quotes. */
  readonly text: string;
  readonly quoted: boolean;
  readonly string: boolean;
  readonly conditional: boolean;
}

/** Statements are read by their beginning. */
const MAX_WORDS = 400;

export function wordsOf(statement: string, mode: QuotingMode): Word[] {
  const words: Word[] = [];
  for (const { kind, start, end, conditional } of tokensOf(statement, mode)) {
    if (kind === 'space' || kind === 'comment' || kind === 'open' || kind === 'close') continue;
    const text = statement.slice(start, end);
    if (kind === 'name' || kind === 'string') {
      const quote = text[0]!;
      const inside = text.slice(1, -1).replaceAll(quote + quote, quote);
      words.push({ text: inside, quoted: kind === 'name', string: kind === 'string', conditional });
    } else words.push({ text, quoted: false, string: false, conditional });
    if (words.length === MAX_WORDS) break;
  }
  return words;
}

/** The keyword at this place, in upper case; empty for names, strings and signs. */
export function keyword(words: readonly Word[], at: number): string {
  const word = words[at];
  return word === undefined || word.quoted || word.string ? '' : word.text.toUpperCase();
}

/** `schema.name` at this place; null where there is no name. */
export function qualified(
  words: readonly Word[],
  at: number,
  schema: string | null,
): {
  readonly schema: string | null;
  readonly name: string;
  readonly identity: string;
  readonly next: number;
} | null {
  const first = words[at];
  if (first === undefined || first.string || (!first.quoted && !/^[\w$\u0080-\uffff]+$/.test(first.text)))
    return null;
  const second = words[at + 2];
  if (words[at + 1]?.text === '.' && !words[at + 1]!.quoted && second !== undefined && !second.string) {
    return { schema: first.text, name: second.text, identity: `${first.text}.${second.text}`, next: at + 3 };
  }
  const identity = schema === null || schema === '' ? first.text : `${schema}.${first.text}`;
  return { schema: schema === '' ? null : schema, name: first.text, identity, next: at + 1 };
}
