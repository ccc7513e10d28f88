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

/** As many words tell what a statement is. */
export const BEGINNING = 400;

export function wordsOf(statement: string, mode: QuotingMode, max = BEGINNING): Word[] {
  const words: Word[] = [];
  for (const { kind, start, end, conditional } of tokensOf(statement, mode)) {
    if (kind === 'space' || kind === 'comment' || kind === 'open' || kind === 'close') continue;
    const text = statement.slice(start, end);
    if (kind === 'name' || kind === 'string') {
      const quote = text[0]!;
      const inside = text.slice(1, -1).replaceAll(quote + quote, quote);
      words.push({ text: inside, quoted: kind === 'name', string: kind === 'string', conditional });
    } else words.push({ text, quoted: false, string: false, conditional });
    if (words.length === max) break;
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

export function isSign(word: Word | undefined, sign: string): boolean {
  return word !== undefined && !word.quoted && !word.string && word.text === sign;
}

/** Behind IF EXISTS or IF NOT EXISTS, where it stands here. */
export function behindExists(words: readonly Word[], at: number): number {
  if (keyword(words, at) !== 'IF') return at;
  const exists = keyword(words, at + 1) === 'NOT' ? at + 2 : at + 1;
  return keyword(words, exists) === 'EXISTS' ? exists + 1 : at;
}

/** Where the next part of a list begins: behind a comma that is in no brackets; the end where there is none. */
export function nextPart(words: readonly Word[], from: number): number {
  let depth = 0;
  for (let at = from; at < words.length; at++) {
    if (isSign(words[at], '(')) depth++;
    else if (isSign(words[at], ')')) depth--;
    else if (depth === 0 && isSign(words[at], ',')) return at + 1;
  }
  return words.length;
}

/** The next place with this keyword; the end where there is none. */
export function wordAt(words: readonly Word[], from: number, wanted: string): number {
  let at = from;
  while (at < words.length && keyword(words, at) !== wanted) at++;
  return at;
}
