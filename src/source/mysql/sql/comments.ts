/**
 * The sqlcommenter comment of a statement as ROWS_QUERY and ANNOTATE_ROWS carry it (sqlcommenter specification: a comment
 * of key='value' pairs, at the statement's end; some libraries put it in front). Only the comment leaves this file, never
 * any other part of the statement; and a literal that looks like a comment must never pass for one.
 */
import { type QuotingMode, type Token, tokensOf } from './tokens.ts';

/** Longer ones are nobody's context (envelopes end at 8 KiB). */
const MAX_COMMENT = 8 * 1024;
const PAIRS =
  /^\s*[^=,'\s+][^=,'\s]*\s*=\s*'(?:[^'\\]|\\.)*'\s*(?:,\s*[^=,'\s]+\s*=\s*'(?:[^'\\]|\\.)*'\s*)*$/s;

/** Statements beyond this are not read: whether their end is a comment would need a look at all of it. */
const MAX_STATEMENT_BYTES = 4 * 1024 * 1024;

/** Of a statement's bytes, whose character set the event does not say: the comment must be UTF-8. */
export function sqlCommentIn(statement: Buffer): string | null {
  if (statement.length > MAX_STATEMENT_BYTES) return null;
  // Most statements have none: that must not cost a string.
  const last = statement.lastIndexOf('*/');
  if (last < 0) return null;
  const around = statement.toString('latin1', last + 2, Math.min(statement.length, last + 100)).trim();
  if (around !== '' && around !== ';' && !/^\s*\/\*/.test(statement.toString('latin1', 0, 100))) return null;
  const found = sqlCommentOf(statement.toString());
  return found?.includes('\ufffd') ? null : found;
}

/** The pairs, without their delimiters; null where the statement has no such comment. */
export function sqlCommentOf(statement: string): string | null {
  const text = statement.trim();
  if (!text.startsWith('/*') && !/\*\/\s*;?$/.test(text)) return null;
  const found = commentIn(text, MODES[0]!);
  if (found === null || !text.includes('\\')) return found;
  // What a backslash does depends on the session's sql_mode, which is not known here: all readings must agree.
  return MODES.every((mode) => commentIn(text, mode) === found) ? found : null;
}

const MODES: readonly QuotingMode[] = [
  { ansiQuotes: false, noBackslashEscapes: false },
  { ansiQuotes: false, noBackslashEscapes: true },
  { ansiQuotes: true, noBackslashEscapes: false },
];

function commentIn(text: string, mode: QuotingMode): string | null {
  let leading: string | null = null;
  let trailing: string | null = null;
  let started = false;
  for (const token of tokensOf(text, mode)) {
    if (token.kind === 'space') continue;
    if (token.kind === 'comment') {
      const pairs = pairsOf(text, token);
      if (!started) leading ??= pairs;
      else if (pairs !== null) trailing = pairs;
    } else if (text.slice(token.start, token.end) !== ';') {
      started = true;
      trailing = null;
    }
  }
  return trailing ?? leading;
}

function pairsOf(text: string, { start, end }: Token): string | null {
  if (end - start > MAX_COMMENT || !text.startsWith('/*', start) || !text.endsWith('*/', end)) return null;
  const inside = text.slice(start + 2, end - 2).trim();
  return PAIRS.test(inside) ? inside : null;
}
