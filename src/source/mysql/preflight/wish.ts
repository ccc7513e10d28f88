/** What the configuration asks of a MySQL or MariaDB server, as far as the preconditions go. */
import type { TableWish } from '../../preflight.ts';
import type { Flavor } from '../bytes/flavor.ts';

export interface PreflightWish {
  readonly flavor: Flavor;
  /** The login's user, without a host. */
  readonly user: string;
  readonly serverId: number;
  /** Whether the connection is made with TLS. */
  readonly tls: boolean;
  readonly longestOutageMs: number;
  /** `app@%`. */
  readonly contextAccounts: readonly string[];
  readonly tables: readonly TableWish[];
  /** Bodies of the procedures that sql/mysql would make, by name; `emit` as BLACKHOLE has it and as InnoDB does. */
  readonly procedures: KitProcedures;
}

export interface KitProcedures {
  readonly bodies: Readonly<Record<string, string>>;
  readonly emit: { readonly blackhole: string; readonly innodb: string };
}

/** Who owns the procedures and triggers, as information_schema writes a DEFINER. */
export const OWNER = 'rowseal_owner@localhost';

/** COMMENT of the kit's tables: its version. */
export const KIT_COMMENT = 'rowseal kit 1';

/** What our triggers do. */
export const TRIGGER_BODY = 'IF NOT (@rowseal_statement <=> NOW(6)) THEN CALL rowseal.emit_session(); END IF';

/** sql_mode that the kit's procedures carry. */
export const KIT_SQL_MODE = 'NO_ENGINE_SUBSTITUTION';

/** The schemas that the patterns name outright, apart from excluded ones; null where one may be any. */
export function namedSchemas(tables: readonly TableWish[]): string[] | null {
  const found = new Set<string>();
  for (const { match, exclude } of tables) {
    if (exclude) continue;
    const schema = match.slice(0, match.indexOf('.'));
    if (/[*?]/.test(schema) || schema === '') return null;
    found.add(schema);
  }
  return [...found].sort();
}
