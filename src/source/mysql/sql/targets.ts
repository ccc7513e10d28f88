/**
 * What was read of a statement as the `targets` of its ddl record (FORMAT.md section 11): JSON text, exactly as it will stand
 * there. It must never say `none` of what may have touched rows: what is not understood is `unknown`. Pure.
 */
import type { Deed, Effect, Name, Reading } from './deeds.ts';

/** What the log says of a statement beside its text. */
export interface Logged {
  readonly flavor: 'mysql' | 'mariadb';
  /** MySQL gave it a number of a transaction, as it does where something was done; null where that is not known. */
  readonly numbered: boolean | null;
  /** Temporary tables of its session had to do with it. */
  readonly temporary: boolean;
}

/** What ends all that is known of every table. */
export const UNKNOWN_TARGETS = '[{"effects":["unknown"]}]';

/** Longer ones would make the message one that the recorder does not read. */
const MAX_CHARACTERS = 64 * 1024;

export function targetsOf({ deeds, whole }: Reading, logged: Logged): string {
  const targets: object[] = deeds.flatMap((deed) => targetOf(deed, logged));
  if (!whole || targets.length === 0) targets.push({ effects: ['unknown'] });
  const text = JSON.stringify(targets, (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
  return text.length > MAX_CHARACTERS ? UNKNOWN_TARGETS : text;
}

function targetOf(deed: Deed, logged: Logged): object[] {
  const { kind, becomes } = deed;
  const effects = effectsOf(deed, logged);
  if (!effects.includes('unknown')) {
    const words = effects.length === 0 ? ['none'] : effects;
    const renamed = becomes === undefined ? {} : { becomes: named(kind, becomes) };
    return [{ ...named(kind, deed), kind, effects: words, ...renamed }];
  }
  const names = becomes === undefined ? [deed] : [deed, becomes];
  return names.map((name) => ({ ...named(kind, name), kind, effects: ['unknown'] }));
}

function named(kind: string, { schema, name }: Name): object {
  const place = { schema: schema === '' ? null : schema };
  return kind === 'table' ? { ...place, table: name } : { ...place, name };
}

function effectsOf(deed: Deed, { flavor, numbered, temporary }: Logged): readonly Effect[] {
  const { kind, effects, unlessThere } = deed;
  const isOld = !effects.includes('creates') && !effects.includes('drops');
  // Of a session that logs statements: it may be its own temporary table of this name.
  if (temporary && kind === 'table' && isOld && effects.length > 0) return ['unknown'];
  if (unlessThere === undefined) return effects;
  if (flavor === 'mariadb') {
    // Of tables it logs those that were made; of other objects each statement.
    if (kind === 'table' || kind === 'sequence') return effects;
  } else if (unlessThere === 'told' && numbered !== null) return numbered ? effects : [];
  // What is in a schema that was there stays as it was.
  return kind === 'schema' ? [] : ['unknown'];
}
