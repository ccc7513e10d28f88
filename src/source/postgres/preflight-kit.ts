/** Whether the SQL kit is whole, and nobody else may write what it writes. Pure. */
import { type Check, check, shorten } from './check.ts';
import { EVENT_TRIGGERS, type KitFacts, type ServerFacts } from './preflight-facts.ts';
import { KIT_VERSION } from './preflight-wish.ts';
import { quoteIdentifier } from './quote.ts';

export function kitChecks(kit: KitFacts | null, server: ServerFacts): Check[] {
  if (kit === null)
    return [
      check('kit', 'kit.installed', 'fail', 'the SQL kit is not installed', {
        why: 'no heartbeat, no context, no DDL; and anybody may forge logical messages',
        fix: 'rowseal setup -c FILE -- or sql/postgres/01-kit.sql',
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
      {
        why: `this rowseal brings version ${KIT_VERSION}`,
        fix: 'rowseal setup -c FILE',
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
