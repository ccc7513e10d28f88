/**
 * Scans who acted and how that is known, for record-scan.ts: whether the words are of the lists of the record's level.
 * Whatever is unusual is not taken for sound: the slow path has a look.
 */
import { skipValue, type Visit, walkObject } from '../../trail/strict-json.ts';
import { holdsEscape, is, isText, matches } from './bytes.ts';
import { actorTypes, attributionTiers } from './kinds/actors.ts';

const bytesOf = (words: readonly string[]): Buffer[] => words.map((word) => Buffer.from(word));
const TYPES = [bytesOf(actorTypes(1)), bytesOf(actorTypes(2))] as const;
const TIERS = [bytesOf(attributionTiers(1)), bytesOf(attributionTiers(2))] as const;

/** Whether the record is held to the rules of level 2. */
let later = false;
let typed = false;
/** Something that is left to the slow path. */
let odd = false;

/** Must be called before the members of each record are walked. */
export function beginActor(isLater: boolean): void {
  later = isLater;
}

/** An actor, whose brace is at `at`, in a container of this depth. */
export function walkActor(b: Buffer, at: number, end: number, depth: number, base: number): number {
  typed = odd = false;
  return walkObject(b, at, end, depth + 1, base, visitActor);
}

export function walkAttribution(b: Buffer, at: number, end: number, depth: number, base: number): number {
  typed = odd = false;
  return walkObject(b, at, end, depth + 1, base, visitAttribution);
}

/** Whether what was walked last has a type, or a tier, that is one of ours, and nothing unusual in it. */
export function isTyped(): boolean {
  return typed && !odd;
}

const visitActor: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const length = keyStop - keyStart;
  if (later && length === 12 && matches(b, keyStart, 'on_behalf_of')) {
    if (b[at] === 0x7b) return walkPrincipal(b, at, end, depth, base);
    odd = true;
  }
  const behind = skipValue(b, at, end, depth, base);
  if (length === 4 && matches(b, keyStart, 'type')) typed = isOneOf(b, at, behind, TYPES);
  else if (later && holdsEscape(b, keyStart, keyStop)) odd = true;
  return behind;
};

/** Whoever an actor acts on behalf of: nobody stands behind it. */
function walkPrincipal(b: Buffer, at: number, end: number, depth: number, base: number): number {
  principalTyped = false;
  const behind = walkObject(b, at, end, depth + 1, base, visitPrincipal);
  if (!principalTyped) odd = true;
  return behind;
}

let principalTyped = false;

const visitPrincipal: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const behind = skipValue(b, at, end, depth, base);
  const length = keyStop - keyStart;
  if (length === 4 && matches(b, keyStart, 'type')) principalTyped = isOneOf(b, at, behind, TYPES);
  else if (length === 12 && matches(b, keyStart, 'on_behalf_of')) odd = true;
  else if (holdsEscape(b, keyStart, keyStop)) odd = true;
  return behind;
};

const visitAttribution: Visit = (b, at, end, depth, base, keyStart, keyStop) => {
  const behind = skipValue(b, at, end, depth, base);
  if (keyStop - keyStart === 4 && matches(b, keyStart, 'tier')) typed = isOneOf(b, at, behind, TIERS);
  return behind;
};

type ByLevel = readonly [first: readonly Buffer[], later: readonly Buffer[]];

function isOneOf(b: Buffer, at: number, behind: number, words: ByLevel): boolean {
  if (!isText(b, at, behind)) return false;
  for (const word of words[later ? 1 : 0]) if (is(b, at + 1, behind - 1, word)) return true;
  return false;
}
