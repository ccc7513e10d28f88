/**
 * The text of a DDL statement without what may be secret in it: literals become `'…'`, comments go. Where quoting is
 * ambiguous it must take away too much rather than too little.
 */
import { type QuotingMode, tokensOf } from './tokens.ts';

export function maskedStatement(statement: string, mode: QuotingMode): string {
  let out = '';
  let space = false;
  for (const { kind, start, end } of tokensOf(statement, mode)) {
    if (kind === 'comment' || kind === 'space') {
      space = true;
      continue;
    }
    if (space && out !== '') out += ' ';
    space = false;
    if (kind === 'string') out += "'…'";
    // A name that has no end was cut: what follows may be anything.
    else if (kind === 'name' && !isClosed(statement, start, end)) out += '`…`';
    else out += statement.slice(start, end);
  }
  return out;
}

function isClosed(text: string, start: number, end: number): boolean {
  return end - start >= 2 && text[end - 1] === text[start];
}
