/**
 * Our kit on the server as `rowseal.inventory()` shows it (sql/mysql): the context table, the procedures, the triggers on
 * the application's tables; and what changed between two looks. A capture user sees nothing of these by itself. Without
 * the kit the source works, with less to attribute by.
 */
import { hash } from 'node:crypto';
import type { Observation } from '../../../change/change.ts';
import { TRIGGER_BODY } from '../preflight/wish.ts';
import { isDenied } from '../wire/failure.ts';
import type { SideSession } from '../wire/sessions.ts';

export interface Kit {
  /** `procedure rowseal.emit`, `trigger shop.orders AFTER INSERT`, `table rowseal.context`: a digest of what it does. */
  readonly objects: ReadonlyMap<string, string>;
  /** `schema.table` of those with our triggers for insert, update and delete. */
  readonly tables: ReadonlySet<string>;
  /** Those of them whose triggers do exactly what ours do. */
  readonly whole: ReadonlySet<string>;
}

/** Null where there is none, or none that we may see. */
export async function readKit(side: SideSession): Promise<Kit | null> {
  try {
    const rows = await side.query('CALL rowseal.inventory()');
    const table = await side.query(
      `SELECT ENGINE AS engine FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = 'rowseal' AND TABLE_NAME = 'context'`,
    );
    const objects = new Map(table.map(({ engine }) => ['table rowseal.context', engine ?? '']));
    const events = new Map<string, Set<string | null | undefined>>();
    const altered = new Set<string>();
    for (const row of rows) {
      const { kind, schema_name: schema, table_name: on, name, event } = row;
      const isTrigger = kind === 'trigger';
      const what = isTrigger ? `trigger ${schema}.${on} ${event}` : `${kind} ${schema}.${name}`;
      const does = [row['security'], row['definer'], row['mode'], row['body']].join('\0');
      objects.set(what, hash('sha256', does).slice(0, 16));
      if (!isTrigger) continue;
      const table = `${schema}.${on}`;
      const seen = events.get(table) ?? new Set();
      events.set(table, seen.add(event));
      if (row['body'] !== TRIGGER_BODY) altered.add(table);
    }
    const tables = [...events].filter(([, seen]) => seen.size >= 3).map(([name]) => name);
    return { objects, tables: new Set(tables), whole: new Set(tables).difference(altered) };
  } catch (error) {
    if (isDenied(error)) return null;
    throw error;
  }
}

export function compareKit(before: Kit | null, after: Kit | null): Observation[] {
  if (before === null && after === null) return [];
  if (before === null) return [{ kind: 'lifecycle', event: 'context_kit_seen', details: {} }];
  if (after === null) return [{ kind: 'tamper', what: 'context_kit_gone', details: {} }];
  const told: Observation[] = [];
  for (const [object, does] of before.objects) {
    const now = after.objects.get(object);
    if (now === undefined) told.push({ kind: 'tamper', what: 'context_object_dropped', details: { object } });
    else if (now !== does) told.push({ kind: 'tamper', what: 'context_object_altered', details: { object } });
  }
  for (const object of after.objects.keys()) {
    if (!before.objects.has(object)) {
      told.push({ kind: 'lifecycle', event: 'context_object_created', details: { object } });
    }
  }
  return told;
}
