/**
 * The preconditions of a Postgres source, decided from facts: pure, so that each has a unit test. A check says what
 * is wrong, why that matters, and the SQL or command that mends it. Nothing in here asks a server.
 */
import type { Check } from './check.ts';
import { publicationChecks, roleChecks, slotChecks } from './preflight-capture.ts';
import type { PreflightFacts } from './preflight-facts.ts';
import { kitChecks } from './preflight-kit.ts';
import { serverChecks } from './preflight-server.ts';
import { tableChecks } from './preflight-tables.ts';
import type { PreflightWish } from './preflight-wish.ts';

/** Every check on the server, its slot, publication, kit and tables. */
export function preflight(facts: PreflightFacts, wish: PreflightWish): Check[] {
  return [
    ...serverChecks(facts.server, facts.slot, wish),
    ...roleChecks(facts.role, facts.kit, facts.server.database, wish.role),
    ...slotChecks(facts.slot, facts.server, wish),
    ...publicationChecks(facts.publication, facts.server, wish.publication),
    ...kitChecks(facts.kit, facts.server, wish),
    ...tableChecks(facts.tables, wish.tables, facts.publication, wish.publication, facts.server.version),
  ];
}
