/** Whether the SQL kit is whole, and nobody else may write what it writes. Pure. */
import { createHash } from 'node:crypto';
import { type Check, check, shorten } from '../../preflight.ts';
import { quoteIdentifier } from '../sql/quote.ts';
import { EVENT_TRIGGERS, type KitFacts, type ServerFacts } from './facts.ts';
import { KIT_VERSION, type PreflightWish } from './wish.ts';

export function kitChecks(
  kit: KitFacts | null,
  server: ServerFacts,
  wish: Pick<PreflightWish, 'kitDigest'>,
): Check[] {
  if (kit === null)
    return [
      check('kit', 'kit.installed', 'fail', 'the SQL kit is not installed', {
        why: 'no heartbeat, no context, no DDL; and anybody may forge logical messages',
        fix: 'rowseal setup -c FILE   # or sql/postgres/01-kit.sql',
      }),
    ];
  const missing = EVENT_TRIGGERS.filter((name) => !kit.eventTriggers.includes(name));
  const argument = server.version >= 170_000 ? ', boolean' : '';
  const revoke = (from: string) =>
    `REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text${argument}), pg_logical_emit_message(boolean, text, bytea${argument}) FROM ${from};`;
  return [
    check(
      'kit',
      'kit.installed',
      kit.version === KIT_VERSION ? 'ok' : 'fail',
      `SQL kit, version ${kit.version}`,
      versionAdvice(kit.version),
    ),
    check(
      'kit',
      'kit.functions',
      kit.digest === wish.kitDigest ? 'ok' : 'fail',
      kit.digest === wish.kitDigest
        ? 'its functions are the shipped ones'
        : 'its functions are not the shipped ones',
      {
        why: 'somebody changed or added one, or they are those of another version: what they say cannot be relied on',
        fix: 'Compare schema rowseal with sql/postgres/01-kit.sql (\\sf rowseal.emit_session), then: rowseal setup -c FILE',
      },
    ),
    check(
      'kit',
      'kit.event_triggers',
      missing.length === 0 ? 'ok' : 'fail',
      missing.length === 0
        ? 'event triggers are ENABLE ALWAYS'
        : `event triggers missing or not ENABLE ALWAYS: ${missing.join(', ')}`,
      {
        why: 'DDL, drops and rewrites leave no trace',
        fix: 'rowseal setup -c FILE',
      },
    ),
    check(
      'kit',
      'kit.forging',
      kit.publicMayEmit ? 'fail' : 'ok',
      `PUBLIC ${kit.publicMayEmit ? 'may' : 'may not'} call pg_logical_emit_message`,
      {
        why: 'any login can forge the context of its changes',
        fix: revoke('PUBLIC'),
      },
    ),
    check(
      'kit',
      'kit.emitters',
      kit.emitters.length === 0 ? 'ok' : 'warn',
      kit.emitters.length === 0
        ? 'nobody else may either'
        : `may call pg_logical_emit_message: ${shorten(kit.emitters)}`,
      {
        why: 'they can forge the context of any change of theirs',
        fix: revoke(kit.emitters.map(quoteIdentifier).join(', ')),
      },
    ),
  ];
}

function versionAdvice(version: number): { readonly why: string; readonly fix: string } {
  const fix = 'rowseal setup -c FILE';
  if (version > KIT_VERSION)
    return { why: `this rowseal brings the older version ${KIT_VERSION}`, fix: 'Upgrade rowseal.' };
  return {
    why: `this rowseal brings version ${KIT_VERSION}; until setup renews it, records of DDL do not say what a statement did: their targets are unknown`,
    fix,
  };
}

/**
 * What identifies the functions of 01-kit.sql: SHA-256 over names, volatility (on_ddl sees the catalogs of before only
 * because it is STABLE) and bodies, in order of name.
 */
export function kitDigest(sql: string): string {
  const functions = [
    ...sql.matchAll(/create or replace function rowseal\.(\w+)\([^)]*\)([^$]*)\$f\$(.*?)\$f\$/gs),
  ];
  const texts = functions
    .map(([, name, head, body]) => [name!, volatilityOf(head!) + body!] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(texts.map(([name, body]) => name + body).join(''))
    .digest('hex');
}

/** As pg_proc.provolatile has it. */
function volatilityOf(head: string): string {
  return /\b(stable|immutable)\b/.exec(head)?.[1]?.[0] ?? 'v';
}
