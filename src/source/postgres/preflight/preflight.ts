/**
 * The preconditions of a Postgres source, decided from facts: pure, so that each has a unit test. A check says what
 * is wrong, why that matters, and the SQL or command that mends it. Nothing in here asks a server.
 */
import { type Check, check } from '../../preflight.ts';
import { publicationChecks, slotChecks } from './capture.ts';
import type { PreflightFacts } from './facts.ts';
import { kitChecks } from './kit.ts';
import { roleChecks } from './role.ts';
import { serverChecks } from './server.ts';
import { tableChecks } from './table-checks.ts';
import { judgeTables } from './tables.ts';
import type { PreflightWish } from './wish.ts';

/** Every check on the server, its slot, publication, kit and tables. */
export function preflight(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const { server, role, slot, publication, kit } = facts;
  // Before setup one line says so, and only what setup cannot mend stands beside it.
  const installed = kit !== null || publication !== null;
  return [
    ...serverChecks(server, slot, wish),
    ...(installed || role !== null ? roleChecks(role, kit, server.database, wish.role) : []),
    ...slotChecks(slot, server, wish),
    ...(installed
      ? [...publicationChecks(publication, server, wish.publication), ...kitChecks(kit, server, wish)]
      : [notInstalled(facts, wish)]),
    ...tableChecks(facts, wish),
  ];
}

function notInstalled({ tables, server, role }: PreflightFacts, wish: PreflightWish): Check {
  const verdicts = judgeTables(tables, wish.tables, null, server.version);
  const count = verdicts.filter(({ table }) => table.kind !== 'p').length;
  return check(
    'kit',
    'kit.installed',
    'fail',
    `rowseal is not installed yet: ${count} ${count === 1 ? 'table matches' : 'tables match'}`,
    {
      why: `no SQL kit and no publication ${wish.publication}${role === null ? `, no role ${wish.role}` : ''}; setup shows what it would do, and asks`,
      fix: 'rowseal setup -c FILE',
    },
  );
}
