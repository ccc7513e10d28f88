/**
 * Foreign keys whose cascades change rows that no binlog shows: below MySQL 9.6, and in MariaDB, InnoDB carries them out
 * by itself, beneath the log (MySQL manual: "FOREIGN KEY Constraints", "Limitations"; 9.6: innodb_native_foreign_keys).
 * Each constraint is listed with what to do about it. Pure.
 */
import type { Observation } from '../../../change/change.ts';
import { type Check, check, wishFor } from '../../preflight.ts';
import { qualified, quoteIdentifier } from '../sql/quote.ts';
import type { ServerFacts } from '../wire/server.ts';
import type { PreflightFacts } from './facts.ts';
import type { CascadeFacts } from './schema.ts';
import type { PreflightWish } from './wish.ts';

/** Whether the server writes the rows that a cascade changes into the binlog. */
export function logsCascades({ flavor, settings }: Pick<ServerFacts, 'flavor' | 'settings'>): boolean {
  const native = settings['innodb_native_foreign_keys'];
  return flavor === 'mysql' && native !== undefined && native !== 'ON';
}

/**
 * Those that a change of these parents sets off: of their children, of these children's, and so on. MySQL 9.7 leaves all of
 * it to InnoDB in a session that was reset (COM_RESET_CONNECTION, COM_CHANGE_USER, as connection pools do), whatever
 * innodb_native_foreign_keys says; its rows events then lack USE_SQL_FOREIGN_KEY_F.
 */
export function cascadesFrom(parents: Iterable<string>, cascades: readonly CascadeFacts[]): CascadeFacts[] {
  const byParent = Map.groupBy(cascades, (each) => `${each.parentSchema}.${each.parentTable}`);
  const reached = new Set(parents);
  // A set that grows is walked to its end.
  for (const parent of reached) {
    for (const { schema, table } of byParent.get(parent) ?? []) reached.add(`${schema}.${table}`);
  }
  return cascades.filter((each) => reached.has(`${each.parentSchema}.${each.parentTable}`));
}

/** Those whose child the configuration asks for, and whose changes the trail cannot show. */
export function unseenCascades(
  server: Pick<ServerFacts, 'flavor' | 'settings'>,
  cascades: readonly CascadeFacts[],
  covers: (schema: string, table: string) => boolean,
): CascadeFacts[] {
  if (logsCascades(server)) return [];
  return cascades.filter(({ schema, table }) => covers(schema, table));
}

/** Whether the configuration asks for a table. */
export function isWanted(
  wish: PreflightWish,
  { foldsNames }: Pick<ServerFacts, 'foldsNames'>,
): (schema: string, table: string) => boolean {
  return (schema, table) => wishFor({ schema, table, foldsNames }, wish.tables) !== null;
}

/** What the trail says of one, once a run: rows of the child may change without a record. */
export function cascadeObservation(cascade: CascadeFacts): Observation {
  const { name, schema, table, parentSchema, parentTable, onDelete, onUpdate } = cascade;
  return {
    kind: 'lifecycle',
    event: 'cascades_not_shown',
    details: {
      constraint: name,
      child: `${schema}.${table}`,
      columns: cascade.columns,
      parent: `${parentSchema}.${parentTable}`,
      on_delete: onDelete,
      on_update: onUpdate,
    },
  };
}

export function cascadeChecks(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const wanted = isWanted(wish, facts.server);
  const matching = facts.cascades.filter(({ schema, table }) => wanted(schema, table));
  if (matching.length === 0) return [];
  if (logsCascades(facts.server))
    return [
      check(
        'foreign key',
        'foreign_keys.cascades',
        'ok',
        `${matching.length} cascade; the server logs what they change (MySQL 9.7 not in a session that a pool has reset: the trail says so when it sees one)`,
      ),
    ];
  return unseenCascades(facts.server, matching, wanted).map((each) =>
    check(
      'foreign key',
      `foreign_key.${each.schema}.${each.table}.${each.name}`,
      'warn',
      `${each.schema}.${each.table}: ${each.name} ${rules(each)}, from ${each.parentSchema}.${each.parentTable}`,
      {
        why: `what it changes in ${each.table} is in no binlog, so in no record: the trail says once a run that such changes are possible`,
        fix: remedy(facts, each),
      },
    ),
  );
}

function rules({ onDelete, onUpdate }: CascadeFacts): string {
  return [onDelete && `ON DELETE ${onDelete}`, onUpdate && `ON UPDATE ${onUpdate}`].filter(Boolean).join(' ');
}

function remedy({ server }: PreflightFacts, each: CascadeFacts): string {
  const names = (columns: readonly string[]) => columns.map(quoteIdentifier).join(', ');
  const parent = qualified({ schema: each.parentSchema, table: each.parentTable });
  const restrict =
    `ALTER TABLE ${qualified(each)} DROP FOREIGN KEY ${quoteIdentifier(each.name)}; ` +
    `ALTER TABLE ${qualified(each)} ADD CONSTRAINT ${quoteIdentifier(each.name)} FOREIGN KEY (${names(each.columns)}) REFERENCES ${parent} (${names(each.parentColumns)}); ` +
    '-- and let the application, or a BEFORE trigger on the parent, change the children itself: that is logged';
  if (server.flavor === 'mariadb') return restrict;
  return server.versionNumber >= 90_600
    ? `my.cnf: innodb_native_foreign_keys = OFF  # then restart the server; or ${restrict}`
    : `Upgrade to MySQL 9.6 or later, which logs them; or ${restrict}`;
}
