import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { PreflightFacts, TableFacts } from '../preflight/facts.ts';
import { EVENT_TRIGGERS } from '../preflight/facts.ts';
import { KIT_VERSION, type PreflightWish } from '../preflight/wish.ts';
import { planSetup, planUninstall, render } from './setup-plan.ts';

const files = {
  kit: 'KIT',
  role: "ROLE :'capture_role'",
  publication: "PUB :'publication'",
  uninstall: "OUT :'slot'",
};
const wish: PreflightWish = {
  role: 'capture',
  slot: 'rowseal',
  publication: 'rowseal',
  plugin: 'pgoutput',
  failover: false,
  acceptUnboundedWal: false,
  tables: [{ match: 'public.*', exclude: false, context_trigger: true, replica_identity: 'full' }],
  kitDigest: 'd1',
};
const orders: TableFacts = {
  schema: 'public',
  table: 'orders',
  kind: 'r',
  unlogged: false,
  identity: 'd',
  key: false,
  identityIndex: false,
  stored: [],
  virtual: [],
  columns: ['id'],
  ancestors: [],
  attached: false,
  published: false,
  rowFilter: false,
  columnList: false,
};
const bare: PreflightFacts = {
  server: {
    version: 180_001,
    database: 'shop',
    encoding: 'UTF8',
    inRecovery: false,
    walLevel: 'logical',
    maxSlots: 10,
    usedSlots: 0,
    maxSenders: 10,
    usedSenders: 0,
    walKeepMb: 1,
    idleSlotTimeoutSeconds: 0,
    skewMs: 0,
    superusers: ['postgres'],
    subscriptions: [],
    hbaReplication: [],
  },
  role: null,
  slot: null,
  publication: null,
  kit: null,
  tables: [orders],
};
const whole: PreflightFacts = {
  ...bare,
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
  publication: { allTables: false, viaRoot: false, schemas: [], unpublished: [], generated: true },
  kit: {
    version: KIT_VERSION,
    digest: 'd1',
    eventTriggers: [...EVENT_TRIGGERS],
    publicMayEmit: false,
    emitters: [],
    attachNew: ['public.*'],
  },
  tables: [{ ...orders, identity: 'f', attached: true, published: true }],
};
const sql = (facts: PreflightFacts) => planSetup(facts, wish, files, null).steps.map((step) => step.sql);

describe('planSetup', () => {
  test('identities come before tables are published, so that no UPDATE fails in between', () => {
    expect(sql(bare)).toEqual([
      'KIT',
      `UPDATE rowseal.kit SET attach_new = ARRAY['public.*']::text[];`,
      `ROLE 'capture'`,
      `SELECT rowseal.full_identity('"public"."orders"');`,
      `PUB 'rowseal'`,
      `ALTER PUBLICATION "rowseal" ADD TABLE ONLY "public"."orders";`,
      `SELECT rowseal.attach('"public"."orders"');`,
    ]);
  });

  test('nothing is left to do where everything is there', () => expect(sql(whole)).toEqual([]));

  test('a publication that hides stored columns shows them before a table becomes FULL', () => {
    const facts = {
      ...whole,
      publication: { ...whole.publication!, generated: false, viaRoot: true },
      tables: [{ ...orders, stored: ['s'] }],
    };
    expect(planSetup(facts, wish, files, null).refused).toEqual([]);
    expect(sql(facts).slice(0, 2)).toEqual([
      'ALTER PUBLICATION "rowseal" SET (publish_via_partition_root = false, publish_generated_columns = stored);',
      `SELECT rowseal.full_identity('"public"."orders"');`,
    ]);
  });

  test('a verifier is never shown', () => {
    const { steps } = planSetup(whole, wish, files, 'SCRAM-SHA-256$x');
    expect(steps).toEqual([expect.objectContaining({ shown: '\\password "capture"' })]);
    expect(steps[0]?.sql).toBe(`ALTER ROLE "capture" PASSWORD 'SCRAM-SHA-256$x';`);
  });

  test('refuses a standby, an unknown version, a wide publication', () => {
    const server = { ...bare.server, inRecovery: true, version: 190_000 };
    const publication = { ...whole.publication!, schemas: ['public'] };
    expect(
      planSetup({ ...whole, server, publication }, wish, files, null).refused.map(({ what }) => what),
    ).toEqual(['PostgreSQL 19', 'a standby', 'the publication']);
  });
});

describe('planUninstall', () => {
  test('nothing for nothing, refused while the slot is in use, roles of others stay', () => {
    expect(planUninstall(bare, wish, files).steps).toEqual([]);
    const slot = {
      plugin: 'pgoutput',
      database: 'shop',
      active: true,
      walStatus: null,
      safeWalBytes: null,
      confirmed: null,
      retainedBytes: null,
      unsealedBytes: '4242',
    };
    expect(planUninstall({ ...whole, slot }, wish, files).refused).toHaveLength(1);
    expect(planUninstall({ ...whole, slot }, wish, files).notes[0]).toMatch(
      /^4242 bytes .* behind the last seal/,
    );
    const plan = planUninstall({ ...whole, role: { ...whole.role!, ours: false } }, wish, files);
    expect(plan.steps.map((step) => step.sql)).toEqual([`OUT 'rowseal'`]);
    expect(plan.notes).toHaveLength(1);
  });
});

test('render fills in what it knows, quoted, and leaves the rest to psql', () => {
  expect(render(`:'a' :'b' ::text`, { a: `o'x` })).toBe(`'o''x' :'b' ::text`);
});

test('the version that the kit writes is the one that is looked for, and its files are plain ASCII', () => {
  const read = (name: string) =>
    readFileSync(new URL(`../../../../sql/postgres/${name}`, import.meta.url), 'utf8');
  expect(read('01-kit.sql')).toContain(`insert into rowseal.kit (version) values (${KIT_VERSION});`);
  expect(read('01-kit.sql')).toContain(`set version = ${KIT_VERSION},`);
  // A server of another encoding could not take anything else.
  for (const name of [
    '01-kit.sql',
    '02-capture-role.sql',
    '03-tables.sql',
    '04-publication.sql',
    '99-uninstall.sql',
  ])
    expect(read(name)).toMatch(/^[\n\x20-\x7e]+$/);
});
