/** What is made for the capture beside its role (role.ts): slot and publication. Pure. */
import { type Check, check, shorten } from '../../preflight.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts';
import type { PublicationFacts, ServerFacts, SlotFacts } from './facts.ts';
import type { PreflightWish } from './wish.ts';

export function slotChecks(slot: SlotFacts | null, server: ServerFacts, wish: PreflightWish): Check[] {
  const checks: Check[] = [];
  if (wish.failover && server.version < 170_000)
    checks.push(
      check('slot', 'slot.failover', 'fail', 'failover: true needs PostgreSQL 17', {
        why: 'older servers do not carry slots to a standby',
        fix: 'failover: false',
      }),
    );
  if (slot === null)
    return [
      ...checks,
      // Trying the plugin would mean to make a slot, which waits for every open transaction.
      check(
        'slot',
        'slot.exists',
        'ok',
        `no slot ${wish.slot} yet: rowseal run makes it, after the trail's genesis (plugin ${wish.plugin}, part of every server)`,
      ),
    ];
  const fits = slot.plugin === wish.plugin && slot.database === server.database;
  const lost = slot.walStatus === 'lost' || slot.walStatus === 'unreserved';
  const drop = `SELECT pg_drop_replication_slot(${quoteLiteral(wish.slot)});`;
  checks.push(
    check(
      'slot',
      'slot.fits',
      fits ? 'ok' : 'fail',
      `slot ${wish.slot}: ${slot.plugin ?? 'physical'} in ${slot.database ?? 'no database'}, ${slot.active ? 'in use' : 'not in use'}`,
      {
        why: `it should be a ${wish.plugin} slot of ${server.database}: this one belongs to somebody else`,
        fix: 'Name another slot in source.slot.',
      },
    ),
    check(
      'slot',
      'slot.wal',
      lost ? 'fail' : slot.walStatus === 'extended' ? 'warn' : 'ok',
      `it keeps ${slot.retainedBytes ?? '?'} bytes of WAL (${slot.walStatus ?? 'nothing reserved'}${slot.safeWalBytes === null ? '' : `, ${slot.safeWalBytes} until it is lost`})`,
      {
        why: lost
          ? 'the server removed WAL that it needs, or is about to'
          : 'it is behind by more than max_wal_size',
        fix: lost
          ? `Start rowseal run at once; where wal_status is lost it names the gap to accept (${drop} comes after that).`
          : 'Start rowseal run, or find out why it is slow: rowseal status -c FILE',
      },
    ),
  );
  return checks;
}

export function publicationChecks(
  publication: PublicationFacts | null,
  server: ServerFacts,
  name: string,
): Check[] {
  const quoted = quoteIdentifier(name);
  if (publication === null)
    return [
      check('publication', 'publication.exists', 'fail', `no publication ${name}`, {
        why: 'it names the tables that are streamed',
        fix: 'rowseal setup -c FILE',
      }),
    ];
  const wide = publication.allTables || publication.schemas.length > 0;
  const wideWhat = publication.allTables
    ? 'FOR ALL TABLES'
    : `FOR TABLES IN SCHEMA ${shorten(publication.schemas)}`;
  const checks = [
    check(
      'publication',
      'publication.list',
      wide ? 'fail' : 'ok',
      wide ? `publication ${name} is ${wideWhat}` : `publication ${name} lists its tables`,
      {
        why: 'UPDATE and DELETE fail on every table without a key, also on ones created later',
        fix: `DROP PUBLICATION ${quoted}; -- then: rowseal setup -c FILE`,
      },
    ),
    check(
      'publication',
      'publication.root',
      publication.viaRoot ? 'fail' : 'ok',
      `publish_via_partition_root = ${publication.viaRoot}`,
      {
        why: 'a TRUNCATE of a partition would be lost',
        fix: `ALTER PUBLICATION ${quoted} SET (publish_via_partition_root = false);`,
      },
    ),
    check(
      'publication',
      'publication.actions',
      publication.unpublished.length === 0 ? 'ok' : 'fail',
      publication.unpublished.length === 0
        ? 'all of insert, update, delete, truncate'
        : `without ${publication.unpublished.join(', ')}`,
      {
        why: 'what it leaves out is missing from the trail',
        fix: `ALTER PUBLICATION ${quoted} SET (publish = 'insert, update, delete, truncate');`,
      },
    ),
  ];
  if (server.version >= 180_000)
    checks.push(
      check(
        'publication',
        'publication.generated',
        publication.generated ? 'ok' : 'warn',
        `publish_generated_columns = ${publication.generated ? 'stored' : 'none'}`,
        {
          why: 'stored generated columns are missing from the trail, and break UPDATE and DELETE under REPLICA IDENTITY FULL',
          fix: `ALTER PUBLICATION ${quoted} SET (publish_generated_columns = stored);`,
        },
      ),
    );
  return checks;
}
