/**
 * Our kit on the server as `rowseal.inventory()` shows it (sql/mysql): the context table, the procedures, the triggers on
 * the application's tables; and what changed between two looks. A capture user sees nothing of these by itself. Without
 * the kit the source works, with less to attribute by. A trigger that went with its table accuses nobody; one that is gone
 * for any other reason, or for none that can be seen, must never pass for such a one.
 */
import { hash } from 'node:crypto';
import type { Observation } from '../../../change/change.ts';
import { TRIGGER_BODY } from '../preflight/wish.ts';
import { isDenied } from '../wire/failure.ts';
import type { SideSession, TextRow } from '../wire/sessions.ts';

export interface Kit {
  /**
   * `procedure rowseal.emit`, `trigger shop.orders AFTER INSERT`, `table rowseal.context`, `grant TRIGGER ON shop.*`: a
   * digest of what it does.
   */
  readonly objects: ReadonlyMap<string, string>;
  /** Of those objects that are triggers: the `schema.table` that each stands on, folded as in `present`. */
  readonly tableOf: ReadonlyMap<string, string>;
  /**
   * `schema.table` of all that the kit's owner saw right after the triggers, in lower case where the server folds names;
   * null where the installed kit is an older one, which does not tell.
   */
  readonly present: ReadonlySet<string> | null;
  /** `schema.table` of those with our triggers for insert, update and delete. */
  readonly tables: ReadonlySet<string>;
  /** Those of them whose triggers do exactly what ours do. */
  readonly whole: ReadonlySet<string>;
}

/** Null where there is none, or none that we may see. */
export async function readKit(side: SideSession, foldsNames: boolean): Promise<Kit | null> {
  try {
    const rows = await side.query('CALL rowseal.inventory()');
    const [table] = await side.query(
      `SELECT ENGINE AS engine FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = 'rowseal' AND TABLE_NAME = 'context'`,
    );
    return kitOf(rows, table === undefined ? null : (table['engine'] ?? ''), foldsNames);
  } catch (error) {
    if (isDenied(error)) return null;
    throw error;
  }
}

/** `engine`: that of rowseal.context; null where it is not there. */
export function kitOf(rows: readonly TextRow[], engine: string | null, foldsNames: boolean): Kit {
  const folded = (name: string) => (foldsNames ? name.toLowerCase() : name);
  const objects = new Map(engine === null ? [] : [['table rowseal.context', engine]]);
  const tableOf = new Map<string, string>();
  const events = new Map<string, Set<string | null | undefined>>();
  const altered = new Set<string>();
  for (const row of rows) {
    const what = objectOf(row);
    if (what === null) continue;
    const does = [row['security'], row['definer'], row['mode'], row['body']].join('\0');
    objects.set(what, hash('sha256', does).slice(0, 16));
    if (row['kind'] !== 'trigger') continue;
    const table = `${row['schema_name']}.${row['table_name']}`;
    tableOf.set(what, folded(table));
    const seen = events.get(table) ?? new Set();
    events.set(table, seen.add(row['event']));
    if (row['body'] !== TRIGGER_BODY) altered.add(table);
  }
  const tables = new Set([...events].filter(([, seen]) => seen.size >= 3).map(([name]) => name));
  return { objects, tableOf, present: presentOf(rows, folded), tables, whole: tables.difference(altered) };
}

/** What an object of the kit is called; null for what is only there to be compared with. */
function objectOf({ kind, schema_name: schema, table_name: on, name, event }: TextRow): string | null {
  if (kind === 'table') return null;
  if (kind === 'trigger') return `trigger ${schema}.${on} ${event}`;
  if (kind === 'grant') return `${GRANT}${name} ON ${schema}.${on ?? '*'}`;
  return `${kind} ${schema}.${name}`;
}

const GRANT = 'grant ';

/** Where the kit tells tables and there are triggers, there are tables or at least grants: triggers need those. */
function presentOf(rows: readonly TextRow[], folded: (name: string) => string): ReadonlySet<string> | null {
  if (!rows.some(({ kind }) => kind === 'table' || kind === 'grant')) return null;
  const tables = rows.filter(({ kind }) => kind === 'table');
  return new Set(tables.map((row) => folded(`${row['schema_name']}.${row['table_name']}`)));
}

export function compareKit(before: Kit | null, after: Kit | null): Observation[] {
  if (before === null && after === null) return [];
  if (before === null) return [{ kind: 'lifecycle', event: 'context_kit_seen', details: {} }];
  if (after === null) return [{ kind: 'tamper', what: 'context_kit_gone', details: {} }];
  const told: Observation[] = [];
  const wentWithItsTable = departures(before, after);
  for (const [object, does] of before.objects) {
    const now = after.objects.get(object);
    if (now === does) continue;
    const details = { object };
    if (now !== undefined) told.push({ kind: 'tamper', what: 'context_object_altered', details });
    else if (wentWithItsTable(object))
      told.push({ kind: 'lifecycle', event: 'context_object_gone', details });
    else told.push({ kind: 'tamper', what: 'context_object_dropped', details });
  }
  for (const object of after.objects.keys()) {
    if (!before.objects.has(object)) {
      told.push({ kind: 'lifecycle', event: 'context_object_created', details: { object } });
    }
  }
  return told;
}

/** Of an object that is gone: whether it is a trigger whose table was dropped or renamed. */
function departures(before: Kit, after: Kit): (object: string) => boolean {
  const { present } = after;
  if (present === null) return () => false;
  // Whoever takes the owner's sight away could drop triggers unseen.
  const blinded = [...before.objects.keys()].some(
    (object) => object.startsWith(GRANT) && !after.objects.has(object),
  );
  return (object) => {
    const table = before.tableOf.get(object);
    return table !== undefined && !blinded && !present.has(table);
  };
}
