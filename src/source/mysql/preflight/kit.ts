/** Whether the SQL kit is whole, and nobody else may write what it writes. Pure. */
import { type Check, check, shorten } from '../../preflight.ts';
import { granteeOf, quoteGrantee } from '../sql/quote.ts';
import type { PreflightFacts } from './facts.ts';
import type { KitFacts } from './kit-facts.ts';
import { KIT_COMMENT, KIT_SQL_MODE, OWNER, type PreflightWish } from './wish.ts';

export function kitChecks(facts: PreflightFacts, wish: PreflightWish): Check[] {
  const { kit } = facts;
  if (kit === null) return [];
  const altered = alteredProcedures(kit, wish);
  const checks = [
    check(
      'kit',
      'kit.installed',
      kit.comment === KIT_COMMENT ? 'ok' : 'fail',
      `SQL kit: ${kit.comment || 'no version'}`,
      {
        why: `this rowseal brings ${KIT_COMMENT}`,
        fix: 'rowseal setup -c FILE',
      },
    ),
    tableCheck(facts, kit),
    altered === null
      ? check('kit', 'kit.procedures', 'warn', `${wish.user} may not call rowseal.inventory()`, {
          why: 'whether procedures and triggers are ours cannot be seen',
          fix: 'rowseal setup -c FILE',
        })
      : check(
          'kit',
          'kit.procedures',
          altered.length === 0 ? 'ok' : 'fail',
          altered.length === 0
            ? 'its procedures are the shipped ones'
            : `not the shipped ones: ${altered.join(', ')}`,
          {
            why: 'somebody changed or removed them, or they are those of another version: what they say cannot be relied on',
            fix: 'Compare SHOW CREATE PROCEDURE rowseal.emit with sql/mysql, then: rowseal setup -c FILE',
          },
        ),
  ];
  const { callers, forgers } = kit;
  if (forgers !== null)
    checks.push(
      check(
        'kit',
        'kit.forging',
        forgers.length === 0 ? 'ok' : 'warn',
        forgers.length === 0
          ? 'nobody else may write rowseal.context'
          : `may write rowseal.context, or call rowseal.emit: ${shorten(forgers)}`,
        {
          why: 'they can forge the context of their changes, the login included',
          fix: 'REVOKE INSERT, EXECUTE ON *.* FROM …; -- and grant them on the schemas that are meant',
        },
      ),
    );
  const strangers = facts.strangers ?? [];
  const missing = lackingCallers(kit, wish).filter((grantee) => !strangers.includes(grantee));
  if (callers !== null && (missing.length > 0 || (callers.length === 0 && strangers.length === 0)))
    checks.push(
      check(
        'kit',
        'kit.callers',
        missing.length > 0 ? 'fail' : 'warn',
        missing.length > 0
          ? `may not call rowseal.set_context: ${shorten(missing)}`
          : 'no account may call rowseal.set_context',
        {
          why:
            missing.length > 0
              ? 'the application fails when it says who acts'
              : 'no change can be asserted: applications cannot say who acts',
          fix:
            missing.length > 0
              ? missing
                  .map(
                    (grantee) =>
                      `GRANT EXECUTE ON PROCEDURE rowseal.set_context TO ${quoteGrantee(grantee)};`,
                  )
                  .join(' ')
              : 'source: { context_accounts: ["app@%"] }  # then: rowseal setup -c FILE',
        },
      ),
    );
  return checks;
}

/** Accounts of context_accounts that are not there: no GRANT makes them. */
export function strangerChecks({ strangers }: Pick<PreflightFacts, 'strangers'>): Check[] {
  return (strangers ?? []).map((account) =>
    check('kit', `kit.account.${account}`, 'fail', `the account ${account} does not exist`, {
      why: 'context_accounts names it: setup would have it call rowseal.set_context, and changes nothing while it is not there',
      fix: strangerFix(account),
    }),
  );
}

export function strangerFix(account: string): string {
  return `CREATE USER ${quoteGrantee(account)} IDENTIFIED BY '…'; -- or correct context_accounts`;
}

function tableCheck({ blackhole }: PreflightFacts, { engine }: KitFacts): Check {
  if (engine === null)
    return check('kit', 'kit.table', 'fail', 'there is no table rowseal.context', {
      why: 'rowseal.set_context fails, and triggers say nothing',
      fix: 'rowseal setup -c FILE',
    });
  const stores = engine !== 'BLACKHOLE';
  return check('kit', 'kit.table', stores ? 'warn' : 'ok', `rowseal.context is ENGINE=${engine}`, {
    why: 'each context is written and deleted again: about twice the work, and a second event in the binlog',
    fix:
      blackhole === 'active'
        ? 'DROP TABLE rowseal.context; -- while no application writes, then: rowseal setup -c FILE'
        : "INSTALL SONAME 'ha_blackhole'; -- MariaDB, on replicas too",
  });
}

/** Names of those that are missing, other, or none of ours; null where they could not be seen. */
export function alteredProcedures(kit: KitFacts, { procedures: shipped }: PreflightWish): string[] | null {
  if (kit.procedures === null) return null;
  const emit = kit.engine === 'BLACKHOLE' ? shipped.emit.blackhole : shipped.emit.innodb;
  const bodies: Record<string, string> = { ...shipped.bodies, emit };
  const found = new Map(kit.procedures.map((each) => [each.name, each]));
  const names = new Set([...Object.keys(bodies), ...found.keys()]);
  return [...names].sort().filter((name) => {
    const is = found.get(name);
    return !(
      is?.body === bodies[name] &&
      is?.security === 'DEFINER' &&
      is.definer === OWNER &&
      is.mode === KIT_SQL_MODE
    );
  });
}

/** Of context_accounts, as GRANTEE writes them. */
export function lackingCallers(kit: KitFacts | null, { contextAccounts }: PreflightWish): string[] {
  const wanted = contextAccounts.map(granteeOf);
  return wanted.filter((grantee) => !(kit?.callers ?? []).includes(grantee));
}
