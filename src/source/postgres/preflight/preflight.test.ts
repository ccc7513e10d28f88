import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import type { PreflightFacts } from './facts.ts';
import { EVENT_TRIGGERS } from './facts.ts';
import { loginChecks } from './login.ts';
import { preflight } from './preflight.ts';
import { KIT_VERSION, type PreflightWish } from './wish.ts';

const wish: PreflightWish = {
  role: 'capture',
  slot: 'rowseal',
  publication: 'rowseal',
  plugin: 'pgoutput',
  failover: false,
  acceptUnboundedWal: false,
  tables: [{ match: 'public.*', exclude: false, context_trigger: false, replica_identity: 'keep' }],
  kitDigest: 'd1',
};
const well: PreflightFacts = {
  server: {
    version: 180_001,
    database: 'shop',
    encoding: 'UTF8',
    inRecovery: false,
    walLevel: 'logical',
    maxSlots: 10,
    usedSlots: 1,
    maxSenders: 10,
    usedSenders: 1,
    walKeepMb: 51_200,
    idleSlotTimeoutSeconds: 0,
    skewMs: 12,
    superusers: ['postgres'],
    subscriptions: [],
    hbaReplication: [],
  },
  role: {
    name: 'capture',
    login: true,
    replication: true,
    superuser: false,
    connects: true,
    validForSeconds: null,
    ours: true,
    heartbeat: true,
    readable: 0,
  },
  slot: {
    plugin: 'pgoutput',
    database: 'shop',
    active: true,
    walStatus: 'reserved',
    safeWalBytes: '1000',
    confirmed: '0/10',
    retainedBytes: '10',
    unsealedBytes: '0',
  },
  publication: { allTables: false, viaRoot: false, schemas: [], unpublished: [], generated: true },
  kit: {
    version: KIT_VERSION,
    digest: 'd1',
    eventTriggers: [...EVENT_TRIGGERS],
    publicMayEmit: false,
    emitters: [],
    attachNew: [],
  },
  tables: [
    {
      schema: 'public',
      table: 'orders',
      kind: 'r',
      unlogged: false,
      identity: 'd',
      key: true,
      identityIndex: false,
      stored: [],
      virtual: [],
      columns: ['id'],
      ancestors: [],
      attached: false,
      published: true,
      rowFilter: false,
      columnList: false,
    },
  ],
};

type Change = { readonly [part in keyof PreflightFacts]?: object | null };
/** The ids and states of what is not ok when one thing is different. */
function ill(change: Change, wished: Partial<PreflightWish> = {}): string[] {
  const facts = { ...well } as Record<string, unknown>;
  for (const [part, values] of Object.entries(change))
    facts[part] = values === null ? null : { ...(facts[part] as object), ...values };
  const found = preflight(facts as unknown as PreflightFacts, { ...wish, ...wished });
  const bad = found.filter(({ status }) => status !== 'ok');
  for (const { why, fix, id } of bad) expect(`${id}: ${why} ${fix}`).not.toMatch(/: $/);
  return bad.map(({ id, status }) => `${id} ${status}`);
}

describe('preflight', () => {
  test('all well is all ok', () => expect(ill({})).toEqual([]));

  test.each<[Change, string]>([
    [{ server: { version: 130_010, idleSlotTimeoutSeconds: null } }, 'server.version fail'],
    [{ server: { version: 190_000 } }, 'server.version fail'],
    [{ server: { inRecovery: true } }, 'server.primary fail'],
    [{ server: { walLevel: 'replica' } }, 'server.wal_level fail'],
    [{ server: { maxSlots: 1, usedSlots: 1 }, slot: null }, 'server.slots fail'],
    [{ server: { maxSenders: 2, usedSenders: 2 } }, 'server.senders warn'],
    [{ server: { maxSenders: 2, usedSenders: 2 }, slot: null }, 'server.senders fail'],
    [{ server: { walKeepMb: -1 } }, 'server.wal_keep fail'],
    [{ server: { skewMs: -6000 } }, 'server.clock warn'],
    [{ server: { skewMs: 301_000 } }, 'server.clock fail'],
    [{ server: { idleSlotTimeoutSeconds: 600 } }, 'server.idle_slot warn'],
    [{ server: { superusers: ['a', 'b'] } }, 'server.superusers warn'],
    [{ server: { subscriptions: ['s'] } }, 'server.subscriptions warn'],
    [{ role: null }, 'role.exists fail'],
    [{ role: { login: false } }, 'role.replication fail'],
    [{ role: { replication: false } }, 'role.replication fail'],
    [{ role: { superuser: true } }, 'role.superuser warn'],
    [{ role: { connects: false } }, 'role.connect fail'],
    [{ role: { readable: 3 } }, 'role.reads warn'],
    [{ role: { validForSeconds: -1 } }, 'role.valid fail'],
    [{ role: { validForSeconds: 86_400 } }, 'role.valid warn'],
    [{ role: { heartbeat: false } }, 'kit.heartbeat fail'],
    [{ slot: { plugin: 'test_decoding' } }, 'slot.fits fail'],
    [{ slot: { database: 'other' } }, 'slot.fits fail'],
    [{ slot: { walStatus: 'lost' } }, 'slot.wal fail'],
    [{ slot: { walStatus: 'unreserved' } }, 'slot.wal fail'],
    [{ slot: { walStatus: 'extended' } }, 'slot.wal warn'],
    [{ publication: { allTables: true } }, 'publication.list fail'],
    [{ publication: { schemas: ['public'] } }, 'publication.list fail'],
    [{ publication: { viaRoot: true } }, 'publication.root fail'],
    [{ publication: { unpublished: ['truncate'] } }, 'publication.actions fail'],
    [{ publication: { generated: false } }, 'publication.generated warn'],
    [{ kit: { version: 0 } }, 'kit.installed fail'],
    [{ kit: { version: KIT_VERSION + 1 } }, 'kit.installed fail'],
    [{ kit: { digest: 'd2' } }, 'kit.functions fail'],
    [{ kit: { eventTriggers: ['rowseal_ddl'] } }, 'kit.event_triggers fail'],
    [{ kit: { publicMayEmit: true } }, 'kit.forging fail'],
    [{ kit: { emitters: ['outbox'] } }, 'kit.emitters warn'],
  ])('%j', (change, expected) => expect(ill(change)).toEqual([expected]));

  test('an older kit is renewed by setup, a newer one wants a newer rowseal', () => {
    const adviceFor = (version: number) =>
      preflight({ ...well, kit: { ...well.kit!, version } }, wish).find(({ id }) => id === 'kit.installed');
    expect(adviceFor(1)).toMatchObject({
      why: expect.stringContaining('targets are unknown'),
      fix: 'rowseal setup -c FILE',
    });
    expect(adviceFor(KIT_VERSION + 1)).toMatchObject({ fix: 'Upgrade rowseal.' });
  });

  test('an unbounded WAL that the configuration accepts is a warning; no publication and no kit fail', () => {
    expect(ill({ server: { walKeepMb: -1 } }, { acceptUnboundedWal: true })).toEqual([
      'server.wal_keep warn',
    ]);
    expect(ill({ publication: null })).toEqual(['publication.exists fail']);
    expect(ill({ kit: null })).toEqual(['kit.installed fail']);
    expect(
      ill(
        { server: { version: 160_000, idleSlotTimeoutSeconds: null }, publication: { generated: null } },
        { failover: true },
      ),
    ).toEqual(['slot.failover fail']);
  });
});

test('before setup one line says so; beside it stands only what setup cannot mend', () => {
  const [orders] = well.tables;
  const bare = {
    ...well,
    server: { ...well.server, walLevel: 'replica' },
    role: null,
    publication: null,
    kit: null,
    tables: [
      { ...orders!, published: false },
      { ...orders!, table: 'log', published: false, key: false },
    ],
  };
  const tables = [{ ...wish.tables[0]!, context_trigger: true }];
  const bad = preflight(bare, { ...wish, tables }).filter(({ status }) => status !== 'ok');
  expect(bad.map(({ id }) => id)).toEqual(['server.wal_level', 'kit.installed', 'table.public.log.refused']);
  expect(bad[1]).toMatchObject({
    what: 'rowseal is not installed yet: 2 tables match',
    fix: 'rowseal setup -c FILE',
  });
});

describe('loginChecks', () => {
  const remote = {
    host: 'db.example.com',
    user: 'capture',
    database: 'shop',
    sslmode: 'verify-full',
  } as const;
  const no = new RowsealError('source_refused', 'no');
  const good = { ordinary: null, tls: 'TLSv1.3', logical: null, physical: no };
  const states = (
    ...[facts, target]: Parameters<typeof loginChecks> extends [infer F, infer T, unknown] ? [F, T] : never
  ) =>
    loginChecks(facts, target, ['line 3: host replication all']).flatMap(({ id, status }) =>
      status === 'ok' ? [] : [`${id} ${status}`],
    );

  test('what was tried decides', () => {
    expect(states(good, remote)).toEqual([]);
    expect(states({ ...good, physical: null }, remote)).toEqual(['login.physical warn']);
    expect(states({ ...good, logical: no }, remote)).toEqual(['login.logical fail']);
    expect(states({ ...good, ordinary: no }, remote)).toEqual(['login.ordinary fail']);
    expect(states({ ...good, tls: null }, { ...remote, sslmode: 'disable' })).toEqual(['login.tls fail']);
    expect(states(good, { ...remote, sslmode: 'require' })).toEqual(['login.tls warn']);
    expect(
      states({ ...good, tls: null }, { ...remote, host: '/run/postgresql', sslmode: 'disable' }),
    ).toEqual([]);
  });
});
