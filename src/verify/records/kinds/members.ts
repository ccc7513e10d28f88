/**
 * How the members of records are held to types and words, and compared. What a record holds is of any type until it
 * was asked here.
 */

export type Members = Readonly<Record<string, unknown>>;

/** What a record is held to beside its own bytes. */
export interface Rules {
  /** 1 or 2: the level of its seal. */
  readonly level: number;
  /** The trail's name. */
  readonly trail: string;
  /** Its leaf index. */
  readonly leaf: number;
}

export type Check = readonly [name: string, good: boolean];

/** Name of the first member whose check failed, or null. */
export function first(checks: readonly Check[]): string | null {
  return checks.find(([, good]) => !good)?.[0] ?? null;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** An integer of ours, where `value` was read by `parseJson`: there `1.0` is none. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function oneOf(words: readonly string[], value: unknown): value is string {
  return isText(value) && words.includes(value);
}

export function isListOf<T>(value: unknown, isOne: (each: unknown) => each is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne);
}

/** Null stands for what is not known or not there. */
export function isMembersOrNull(value: unknown): value is Members | null {
  return value === null || isMembers(value);
}

export const DIFFERENT = 'the value is another one';

/** Cost in steps where equal, else DIFFERENT. Members' order does not matter; NaN stands for any odd number. */
export function sameValue(a: unknown, b: unknown): number | string {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
    return Object.is(a, b) || a === b ? 1 : DIFFERENT;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return DIFFERENT;
  const names = Object.keys(b);
  if (Object.keys(a).length !== names.length) return DIFFERENT;
  let steps = 1;
  for (const name of names) {
    if (!Object.hasOwn(a, name)) return DIFFERENT;
    const inner = sameValue((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]);
    if (typeof inner === 'string') return inner;
    steps += inner;
  }
  return steps;
}
