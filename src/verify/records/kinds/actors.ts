/**
 * Who acted and how that is known, by the lists of words that are closed at a level (FORMAT.md section 11). Whoever asks
 * names the level of the record's seal.
 */
import { type Check, isMembers, type Members, oneOf, type Rules } from './members.ts';

const ACTOR_TYPES = ['user', 'service', 'system', 'login', 'unknown'];
const TIERS = ['signed', 'asserted', 'session', 'annotated', 'connection', 'none'];

export function actorTypes(level: number): readonly string[] {
  return level === 1 ? ACTOR_TYPES : LATER_ACTOR_TYPES;
}

const LATER_ACTOR_TYPES = [...ACTOR_TYPES, 'agent'];

export function attributionTiers(level: number): readonly string[] {
  return level === 1 ? TIERS : LATER_TIERS;
}

const LATER_TIERS = [...TIERS, 'logged'];

/** Of kinds auth and access; of all others it is `success`. */
export const OUTCOMES = ['success', 'failure', 'denied'] as const;

/** Who, and how that is known. */
export function actorChecks({ actor, attribution }: Members, { level }: Rules): Check[] {
  return [
    ['actor.type', isMembers(actor) && oneOf(actorTypes(level), actor['type'])],
    ['actor.on_behalf_of', level === 1 || isOnBehalfOf(actor, level)],
    ['attribution.tier', isMembers(attribution) && oneOf(attributionTiers(level), attribution['tier'])],
  ];
}

/** For whom an agent decides, if it says so: an actor with a type, for nobody else. */
function isOnBehalfOf(actor: unknown, level: number): boolean {
  if (!isMembers(actor) || actor['type'] !== 'agent') return true;
  const { on_behalf_of: principal } = actor;
  if (principal === undefined) return true;
  if (!isMembers(principal) || principal['on_behalf_of'] !== undefined) return false;
  return oneOf(actorTypes(level), principal['type']);
}
