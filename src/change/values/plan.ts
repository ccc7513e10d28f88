/** A column's ValueEncoding compiled to what the hot path switches on. */
import type { ValueEncoding } from '../change.ts';

/** How a value that is not itself is encoded; null: it is itself. */
export type Encoded = 'mask' | 'hmac' | 'sha256' | 'bytes' | 'json' | null;

export const STRING = 0;
export const PLAIN = 1;
export const NUMBER = 2;
export const BOOLEAN = 3;
export const FLOAT = 4;
export const BINARY = 5;
export const JSON_TEXT = 6;
export const JSON_TRUSTED = 7;
export const ARRAY = 8;

/** A ValueEncoding compiled. */
export interface ValuePlan {
  readonly code: number;
  readonly element: ValuePlan | null;
  /** Of an array: the byte between its elements. */
  readonly delimiter: number;
}

export function compileValue(encoding: ValueEncoding): ValuePlan {
  const element = encoding.as === 'array' ? compileValue(encoding.element) : null;
  const delimiter = encoding.as === 'array' ? encoding.delimiter.charCodeAt(0) : 0;
  return { code: codeOf(encoding), element, delimiter };
}

function codeOf(encoding: ValueEncoding): number {
  switch (encoding.as) {
    case 'string':
      return encoding.plain === true ? PLAIN : STRING;
    case 'number':
      return NUMBER;
    case 'boolean':
      return BOOLEAN;
    case 'float':
      return FLOAT;
    case 'binary':
      return BINARY;
    case 'json':
      return encoding.trusted === true ? JSON_TRUSTED : JSON_TEXT;
    case 'array':
      return ARRAY;
    default:
      return encoding satisfies never;
  }
}
