/** What the server as a whole must offer: version, WAL level, room for a slot, a bound on what it keeps, clocks. Pure. */
import { type Check, check, shorten } from '../../preflight.ts';
import type { ServerFacts, SlotFacts } from './facts.ts';
import type { PreflightWish } from './wish.ts';

export function serverChecks(server: ServerFacts, slot: SlotFacts | null, wish: PreflightWish): Check[] {
  return [
    ...streamChecks(server),
    ...roomChecks(server, slot),
    walKeepCheck(server, wish.acceptUnboundedWal),
    clockCheck(server),
    ...writerChecks(server),
    ...idleSlotChecks(server),
  ];
}

/** What no stream of changes can be without. */
function streamChecks(server: ServerFacts): Check[] {
  const major = Math.floor(server.version / 10000);
  const known = major >= 14 && major <= 18;
  return [
    check(
      'server',
      'server.version',
      known ? 'ok' : 'fail',
      `PostgreSQL ${major}.${server.version % 10000}, ${server.encoding}`,
      {
        why: 'its protocol is not known to this version of rowseal: 14 to 18 are',
        fix: 'Upgrade the server, or rowseal.',
      },
    ),
    check(
      'server',
      'server.primary',
      server.inRecovery ? 'fail' : 'ok',
      server.inRecovery ? 'a standby' : 'a primary',
      {
        why: 'heartbeats and context are written to the WAL, which a standby cannot do',
        fix: 'Point source.url at the primary.',
      },
    ),
    check(
      'server',
      'server.wal_level',
      server.walLevel === 'logical' ? 'ok' : 'fail',
      `wal_level = ${server.walLevel}`,
      {
        why: 'without logical the WAL does not hold the changes of rows',
        fix: "ALTER SYSTEM SET wal_level = 'logical'; -- then restart the server",
      },
    ),
  ];
}

function roomChecks(server: ServerFacts, slot: SlotFacts | null): Check[] {
  const slotsFree = server.maxSlots - server.usedSlots + (slot === null ? 0 : 1);
  const sendersFree = server.maxSenders - server.usedSenders + (slot?.active ? 1 : 0);
  return [
    check(
      'server',
      'server.slots',
      slotsFree > 0 ? 'ok' : 'fail',
      `${server.usedSlots} of ${server.maxSlots} replication slots in use`,
      {
        why: 'none is left for ours',
        fix: `ALTER SYSTEM SET max_replication_slots = ${server.maxSlots + 5}; -- then restart the server`,
      },
    ),
    check(
      'server',
      'server.senders',
      sendersFree > 1 ? 'ok' : sendersFree === 1 ? 'warn' : 'fail',
      `${server.usedSenders} of ${server.maxSenders} WAL senders in use`,
      {
        why: 'a reconnect needs one before the old connection is given up',
        fix: `ALTER SYSTEM SET max_wal_senders = ${server.maxSenders + 5}; -- then restart the server`,
      },
    ),
  ];
}

function walKeepCheck(server: ServerFacts, accepted: boolean): Check {
  const bounded = server.walKeepMb >= 0;
  const what = bounded
    ? `max_slot_wal_keep_size = ${server.walKeepMb} MB`
    : `max_slot_wal_keep_size is unbounded${accepted ? ' (accepted by the configuration)' : ''}`;
  return check('server', 'server.wal_keep', bounded ? 'ok' : accepted ? 'warn' : 'fail', what, {
    why: 'while rowseal is down its slot keeps WAL until the disk is full and the server stops',
    fix: "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf(); -- well below the free disk; or accept_unbounded_wal: true",
  });
}

function clockCheck(server: ServerFacts): Check {
  const skew = Math.abs(server.skewMs);
  return check(
    'server',
    'server.clock',
    skew <= 5000 ? 'ok' : skew <= 300_000 ? 'warn' : 'fail',
    `its clock is ${server.skewMs} ms from ours`,
    {
      why: 'commit times come from its clock, sealing times from ours',
      fix: 'Set both clocks by NTP: timedatectl set-ntp true',
    },
  );
}

/** Who may write past what we install. */
function writerChecks(server: ServerFacts): Check[] {
  return [
    check(
      'server',
      'server.superusers',
      server.superusers.length <= 1 ? 'ok' : 'warn',
      `${server.superusers.length} ${server.superusers.length === 1 ? 'superuser' : 'superusers'} may log in: ${shorten(server.superusers)}`,
      {
        why: 'a superuser can switch off triggers, forge context and drop the slot; each leaves a trace, none can be prevented',
        fix: 'ALTER ROLE … NOSUPERUSER; -- where it is not needed',
      },
    ),
    check(
      'server',
      'server.subscriptions',
      server.subscriptions.length === 0 ? 'ok' : 'warn',
      server.subscriptions.length === 0
        ? 'no subscriptions'
        : `subscriptions: ${shorten(server.subscriptions)}`,
      {
        why: 'rows that an apply worker writes are captured, but fire no statement trigger: they have no login here',
        fix: 'Capture at the publisher as well.',
      },
    ),
  ];
}

function idleSlotChecks(server: ServerFacts): Check[] {
  const seconds = server.idleSlotTimeoutSeconds;
  if (seconds === null) return [];
  return [
    check(
      'server',
      'server.idle_slot',
      seconds === 0 || seconds >= 86_400 ? 'ok' : 'warn',
      `idle_replication_slot_timeout = ${seconds} s`,
      {
        why: 'an outage of rowseal that lasts longer loses the slot, and with it changes',
        fix: "ALTER SYSTEM SET idle_replication_slot_timeout = '3d'; SELECT pg_reload_conf();",
      },
    ),
  ];
}
