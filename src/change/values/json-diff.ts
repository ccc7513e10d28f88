/**
 * The patch inside a json column: down to the member that changed, each replace and remove behind a test.
 * The trees that fast-json-patch compares have source text as leaves, so 12345678901234567890 and …891
 * differ. It must never yield a patch that does not reproduce the new value, digit by digit.
 */
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { type JsonTree, jsonOfTree, parseJsonTree } from './json-tree.ts';

/** Values with more text than this are replaced whole: two trees of it are what one row may cost in memory. */
export const MAX_DIFF_BYTES = 256 * 1024;

/**
 * Operations, each with a comma in front, from one I-JSON text to another; and their number. Null where the
 * value has to be replaced whole: not both are containers of one kind, the trees are equal though the text
 * is not, or the operations would be longer than `maxLength` characters.
 */
export function jsonDiff(
  before: string,
  after: string,
  pointer: string,
  maxLength: number,
): { text: string; count: number } | null {
  const old = parseJsonTree(before);
  const now = parseJsonTree(after);
  if (old === undefined || now === undefined) return null;
  if (typeof old === 'string' || typeof now === 'string') return null;
  if (Array.isArray(old) !== Array.isArray(now)) return null;
  const operations = fastJsonPatch.compare(old, now, true);
  if (operations.length === 0) return null;
  let text = '';
  for (const operation of operations) {
    text += `,{"op":"${operation.op}","path":${JSON.stringify(pointer + operation.path)}${valueMember(operation)}}`;
    if (text.length > maxLength) return null;
  }
  return { text, count: operations.length };
}

function valueMember(operation: Operation): string {
  return 'value' in operation ? `,"value":${jsonOfTree(operation.value as JsonTree)}` : '';
}
