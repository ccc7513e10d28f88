/**
 * Records of level 2, honest ones and lies that an operator signs and chains: what FORMAT.md marks ‡. The same trail at
 * level 1 is held to the rules of level 1.
 */
import { describe, expect, it } from 'vitest';
import {
  buildTrail,
  change,
  genesis,
  honestDrafts,
  type Loose,
  laterGenesis,
  NAME,
  OTHER_SIGNER,
  ofLevel2,
  type SealDraft,
  SIGNER,
} from '../../test/support/trail-builder.ts';
import { verified } from '../../test/support/verified.ts';
import { signerOf } from '../trail/note.ts';
import { vkeyOf } from '../trail/vkey.ts';

/** What is found in the honest trail when its last seal holds these records besides. */
async function beside(records: SealDraft['records'], level = 2): Promise<string[]> {
  const drafts = honestDrafts();
  drafts[4] = {
    ...drafts[4]!,
    records: { ...records, default: [change(5, 1), ...(records['default'] ?? [])] },
  };
  return (await verified(await buildTrail(level === 2 ? ofLevel2(drafts) : drafts))).codes;
}

const line = (record: Loose): string => JSON.stringify(record);
const inTrail = (record: Loose, level = 2) => beside({ trail: [line(record)] }, level);
const inTable = (record: Loose, level = 2) => beside({ default: [line(record)] }, level);

const ZERO = Buffer.alloc(32).toString('base64');
const SALT = Buffer.alloc(8).toString('base64');
const RUN_SALT = Buffer.alloc(16).toString('base64');
const target = { schema: 's', table: 't' };
const time = '2026-11-21T20:01:04.000Z';
const actor = { type: 'agent', id: 'bot', on_behalf_of: { type: 'user', id: 'u_1' } };
const attribution = { tier: 'logged' };

const ddl = (targets: unknown, more: Loose = {}): Loose => ({
  ...JSON.parse(change(5, 2)),
  kind: 'ddl',
  action: 'ddl',
  tag: 'ALTER TABLE',
  statement: 'alter table t …',
  target: { schema: 's', type: 'table', identity: 's.t' },
  image: undefined,
  patch: undefined,
  targets,
  ...more,
});
const observed = (more: Loose = {}): Loose => ({
  kind: 'ddl',
  event: 'observed',
  time,
  actor: { type: 'unknown' },
  attribution: { tier: 'none' },
  action: 'ddl',
  outcome: 'success',
  target: { type: 'role' },
  targets: [{ schema: null, name: 'app', kind: 'role', effects: ['rights'] }],
  between: [time, time],
  old: { superuser: false },
  new: null,
  ...more,
});
const relation = (more: Loose = {}): Loose => ({
  kind: 'relation',
  time,
  target: { ...target, oid: 16384 },
  class: 'default',
  columns: [{ name: 'a', number: 1 }, { name: 'b', number: 7 }, { name: 'c' }],
  ...more,
});
const baseline = (more: Loose = {}): Loose => ({
  kind: 'baseline',
  time,
  run: 'r1',
  target,
  form: 'row/1',
  chunk: 0,
  after: null,
  upto: { id: '9' },
  at: { position: '0-1-2' },
  rows: [{ id: '1' }, {}],
  salt: RUN_SALT,
  ...more,
});
const difference = (more: Loose = {}): Loose => ({
  kind: 'difference',
  time,
  run: 'r1',
  target: { ...target, key: { id: '1' } },
  how: 'differs',
  columns: ['a'],
  trail: { a: '1' },
  table: null,
  last: { leaf: 3 },
  reasons: ['changed_outside'],
  evidence: [3, 9],
  ...more,
});
const side = { rows: 2, root: ZERO };
const reconcile = (more: Loose = {}): Loose => ({
  kind: 'reconcile',
  time,
  run: 'r1',
  target,
  form: 'row/1',
  purpose: 'check',
  at: {},
  table: side,
  trail: { ...side, more: 1 },
  outcome: 'equal',
  ...more,
});
const auth = (more: Loose = {}): Loose => ({
  kind: 'auth',
  id: 'made:log:1',
  time,
  actor,
  attribution,
  outcome: 'denied',
  action: 'login',
  target: {},
  ...more,
});
const access = (more: Loose = {}): Loose => ({
  kind: 'access',
  time,
  actor,
  attribution,
  outcome: 'success',
  action: 'show',
  ...more,
});
const tamper: Loose = { kind: 'tamper', what: 'trigger_disabled', details: {} };
const acknowledged = (leaf: unknown, more: Loose = {}): Loose => ({
  kind: 'acknowledged',
  time,
  leaf,
  reason: 'seen',
  who: { user: 'dba' },
  ...more,
});

describe('an honest trail of level 2', () => {
  it('is accepted as at level 1, and so is one that begins at level 1', async () => {
    for (const first of [0, 1, 3]) {
      const drafts = honestDrafts().map((draft, i) => (i < first ? draft : ofLevel2([draft])[0]!));
      expect(await verified(await buildTrail(drafts))).toMatchObject({ result: 'ok', notices: [] });
    }
  });

  it.each<[string, Loose]>([
    ['relation', relation()],
    ['relation, a gap in its numbers', relation({ numbers: 'lost', target })],
    ['baseline', baseline()],
    [
      'baseline, the last chunk',
      baseline({ chunk: 4, after: { id: '1' }, upto: null, rows: [], salt: SALT }),
    ],
    ['difference', difference()],
    [
      'difference of a row without key',
      difference({ target: { ...target, key: null }, how: 'only_in_table' }),
    ],
    ['difference, its salt', { kind: 'difference', time, run: 'r', target, how: 'salt', salt: RUN_SALT }],
    ['difference, more', { kind: 'difference', time, run: 'r', target, how: 'more', count: 1 }],
    ['auth', auth()],
    ['access', access()],
    ['access inside of nothing that is known', access({ salt: SALT })],
  ])('may have in a table’s class: %s', async (_what, record) => {
    expect(await inTable(record)).toEqual([]);
    expect(await inTrail(record)).toContain('record_class');
  });

  it.each<[string, Loose]>([
    ['ddl', ddl([{ schema: 's', table: 't', kind: 'table', oid: 7, effects: ['columns'], columns: [1, 2] }])],
    ['ddl observed', observed()],
    ['reconcile', reconcile()],
    ['reconcile, nothing to compare', reconcile({ purpose: 'first', trail: null, outcome: 'incomplete' })],
    ['reconcile, different', reconcile({ table: { ...side, rows: 3 }, outcome: 'different' })],
    ['lifecycle', { kind: 'lifecycle', time, event: 'tables', details: { captured: [] } }],
  ])('may have in class trail: %s', async (_what, record) => {
    expect(await inTrail(record)).toEqual([]);
    expect(await inTable(record)).toContain('record_class');
  });
});

const spoiled: [string, Loose][] = [
  ['relation: two columns of a number', relation({ columns: [{ number: 1 }, { number: 1 }] })],
  ['relation: number 0', relation({ columns: [{ number: 0 }] })],
  ['relation: a number of text', relation({ columns: [{ number: '1' }] })],
  ['relation: numbers kept', relation({ numbers: 'kept' })],
  ['relation: an oid of text', relation({ target: { ...target, oid: '1' } })],
  ['baseline: no time', baseline({ time: undefined })],
  ['baseline: no run', baseline({ run: '' })],
  ['baseline: of no table', baseline({ target: { schema: 's' } })],
  ['baseline: another form', baseline({ form: 'row/2' })],
  ['baseline: chunk -1', baseline({ chunk: -1 })],
  ['baseline: no after', baseline({ after: undefined })],
  ['baseline: upto a text', baseline({ upto: '9' })],
  ['baseline: nowhere', baseline({ at: {} })],
  ['baseline: rows of null', baseline({ rows: [null] })],
  ['baseline: a salt of 9 bytes', baseline({ salt: Buffer.alloc(9).toString('base64') })],
  ['difference: an unknown how', difference({ how: 'else' })],
  ['difference: no key', difference({ target })],
  ['difference: columns of numbers', difference({ columns: [1] })],
  ['difference: no trail', difference({ trail: undefined })],
  ['difference: a table of text', difference({ table: 'x' })],
  ['difference: no last', difference({ last: undefined })],
  ['difference: reasons no list', difference({ reasons: 'x' })],
  ['difference: evidence of text', difference({ evidence: ['3'] })],
  ['difference: a salt of 8 bytes', { kind: 'difference', time, run: 'r', target, how: 'salt', salt: SALT }],
  ['difference: a salt with a key', difference({ how: 'salt', salt: RUN_SALT })],
  ['difference: none more', { kind: 'difference', time, run: 'r', target, how: 'more', count: 0 }],
  ['auth: no id', auth({ id: undefined })],
  ['auth: no time', auth({ time: undefined })],
  ['auth: in a transaction', auth({ transaction: { id: '75', position: '0/5', number: 5, index: 2 } })],
  ['auth: with an image', auth({ image: 'full' })],
  ['auth: with a patch', auth({ patch: [] })],
  ['auth: an unknown outcome', auth({ outcome: 'maybe' })],
  ['auth: an unknown action', auth({ action: 'nap' })],
  ['auth: no target', auth({ target: undefined })],
  ['access: an unknown outcome', access({ outcome: 'maybe' })],
  ['access: no action', access({ action: undefined })],
  ['access: an unknown tier', access({ attribution: { tier: 'zz' } })],
  ['a salt of 16 bytes on what has no run', access({ salt: RUN_SALT })],
  ['baseline: the run’s salt behind the first chunk', baseline({ chunk: 1, salt: RUN_SALT })],
  ['baseline: a salt of 8 bytes in the first chunk', baseline({ salt: SALT })],
  ['difference: the run’s salt beside a row', difference({ salt: RUN_SALT })],
  ['a salt that is no base64', relation({ salt: 'salt' })],
];
const spoiledInTrail: [string, Loose][] = [
  ['reconcile: equal, and rows differ', reconcile({ table: { ...side, rows: 3 } })],
  ['reconcile: equal, and roots differ', reconcile({ table: { ...side, root: RUN_SALT } })],
  ['reconcile: equal to nothing', reconcile({ trail: null })],
  ['reconcile: different, and all the same', reconcile({ outcome: 'different' })],
  ['reconcile: an unknown purpose', reconcile({ purpose: 'fun' })],
  ['reconcile: an unknown outcome', reconcile({ outcome: 'fine' })],
  ['reconcile: rows of text', reconcile({ table: { rows: '2', root: ZERO } })],
  ['reconcile: no trail', reconcile({ trail: undefined })],
  ['reconcile: nowhere', reconcile({ at: undefined })],
  ['acknowledged: itself', acknowledged(19)],
  ['acknowledged: what is to come', acknowledged(99)],
  ['acknowledged: a text', acknowledged('1')],
  ['acknowledged: no reason', acknowledged(0, { reason: '' })],
  ['acknowledged: by nobody', acknowledged(0, { who: 'dba' })],
  ['acknowledged: a signature of numbers', acknowledged(0, { signature: 7 })],
  ['acknowledged: no time', acknowledged(0, { time: undefined })],
  ['ddl observed: with an id', observed({ id: 'made:5:2' })],
  ['ddl observed: with a statement', observed({ statement: null })],
  ['ddl observed: with a tag', observed({ tag: 'GRANT' })],
  ['ddl observed: no time', observed({ time: undefined })],
  ['ddl observed: by nobody', observed({ actor: undefined })],
  ['ddl observed: a failure', observed({ outcome: 'failure' })],
  ['ddl observed: between what', observed({ between: [time] })],
  ['ddl observed: no old', observed({ old: undefined })],
  ['ddl observed: a new text', observed({ new: 'x' })],
  ['ddl observed: no targets', observed({ targets: undefined })],
];

describe('a record of level 2 that lies, signed and chained', () => {
  it.each(spoiled)('%s', async (_what, record) => {
    expect(await inTable(record)).toContain('record_member');
    // Nothing of it is known at level 1.
    if (record['kind'] !== 'relation') {
      expect(await inTable({ ...record, transaction: undefined }, 1)).toEqual([]);
    }
  });

  it.each(spoiledInTrail)('%s', async (_what, record) => {
    expect(await inTrail(record)).toContain('record_member');
    if (record['kind'] !== 'ddl') expect(await inTrail(record, 1)).toEqual([]);
  });

  it.each([
    ['chunk', baseline({ chunk: 1, salt: SALT })],
    ['rows', reconcile()],
    ['leaf', acknowledged(1)],
    ['number', relation()],
  ])('an integer that is written otherwise: %s', async (name, record) => {
    const written = (text: string) =>
      line(record).replaceAll(new RegExp(`"${name}":(\\d+)`, 'g'), `"${name}":${text}`);
    const found = (text: string) =>
      ['reconcile', 'acknowledged'].includes(record['kind'] as string)
        ? beside({ trail: [line(tamper), written(text)] })
        : beside({ default: [written(text)] });
    for (const text of ['1.0', '1e0', '-0']) expect(await found(text), text).toContain('record_member');
    expect(await inTable(JSON.parse(written('1')) as Loose, 1)).toEqual([]);
  });

  it('one whose names are escaped is read all the same', async () => {
    const text = line(relation({ columns: [{ name: 'a', number: 1.5 }] })).replace(
      '"columns"',
      '"c\\u006flumns"',
    );
    expect(await beside({ default: [text] })).toContain('record_member');
  });
});

describe('targets of a ddl record', () => {
  const of = (...targets: unknown[]) => inTrail(ddl(targets));
  const named = { schema: 's', table: 't' };

  it.each<[string, Loose]>([
    ['what it drops and creates', { ...named, effects: ['drops', 'creates'] }],
    ['a schema', { name: 'app', kind: 'schema', effects: ['drops'] }],
    ['another name', { ...named, effects: ['renames'], becomes: { schema: 's', table: 'u' } }],
    [
      'another name of what had one that is lost',
      { schema: 's', oid: 7, effects: ['renames'], becomes: named },
    ],
    ['which columns a rewrite touched', { ...named, effects: ['replaces'], columns: [] }],
    ['nothing', { ...named, effects: ['none'] }],
    ['what is known by its oid alone', { oid: 7, effects: ['drops'] }],
    ['what is not understood, of any table', { effects: ['unknown'] }],
  ])('say %s', async (_what, said) => {
    expect(await of(said)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['no object', 's.t'],
    ['no effects', { ...named }],
    ['empty effects', { ...named, effects: [] }],
    ['an effect twice', { ...named, effects: ['drops', 'drops'] }],
    ['an unknown effect', { ...named, effects: ['mends'] }],
    ['none beside another', { ...named, effects: ['none', 'rights'] }],
    ['unknown beside another', { ...named, effects: ['drops', 'unknown'] }],
    ['no new name', { ...named, effects: ['renames'] }],
    ['a new name of nothing', { ...named, effects: ['renames'], becomes: { schema: 's' } }],
    ['a new name without its effect', { ...named, effects: ['columns'], becomes: named }],
    ['columns without their effect', { ...named, effects: ['empties'], columns: [1] }],
    ['column 0', { ...named, effects: ['columns'], columns: [0] }],
    ['an effect on nothing', { effects: ['drops'] }],
    ['an effect on what is in no schema and has no name', { schema: null, effects: ['drops'] }],
    ['a new name in no schema that is said', { ...named, effects: ['renames'], becomes: { table: 'u' } }],
    ['a table and a name', { ...named, name: 't', effects: ['drops'] }],
    ['a table of numbers', { schema: 's', table: 7, effects: ['drops'] }],
    ['a schema of numbers', { schema: 7, table: 't', effects: ['drops'] }],
    ['a kind in capitals', { ...named, kind: 'TABLE', effects: ['drops'] }],
    ['an oid of text', { ...named, oid: '7', effects: ['drops'] }],
  ])('do not say %s', async (_what, said) => {
    expect(await of({ ...named, effects: ['rights'] }, said)).toContain('record_member');
  });

  it('are there, and more than none, from level 2 on', async () => {
    expect(await inTrail(ddl(undefined))).toContain('record_member');
    expect(await inTrail(ddl([]))).toContain('record_member');
    expect(await inTrail(ddl('x'))).toContain('record_member');
    expect(await inTrail(ddl(undefined), 1)).toEqual([]);
    expect(await inTrail(observed(), 1)).toContain('record_member');
  });
});

describe('keys of the log', () => {
  const begun = async (more: Loose, level = 2) => {
    const drafts = honestDrafts();
    const trail = [genesis(SIGNER.key.vkey, more)];
    drafts[0] = { ...drafts[0]!, records: { ...drafts[0]!.records, trail } };
    return (await verified(await buildTrail(level === 2 ? ofLevel2(drafts) : drafts))).codes;
  };
  const own = SIGNER.key.vkey;
  const mlDsa = vkeyOf(NAME, 'ml-dsa-44-cosigner', Buffer.alloc(1312)).vkey;
  const odd = (type: number, bytes: number) =>
    `${NAME}+0badc0de+${Buffer.concat([Buffer.of(type), Buffer.alloc(bytes)]).toString('base64')}`;

  it('stand in genesis, the one that signs first', async () => {
    expect(await begun({ log_keys: [own] })).toEqual([]);
    expect(await begun({ log_keys: [own, mlDsa, odd(9, 7)] })).toEqual([]);
    for (const key of [odd(6, 1312), odd(6, 7), odd(4, 32)]) {
      expect(await begun({ log_keys: [own, key] })).toContain('record_member');
    }
    for (const keys of [null, [], own, [mlDsa, own], [own, own], [own, mlDsa, mlDsa], [own, 'x'], [own, 7]]) {
      expect(await begun({ log_keys: keys }), JSON.stringify(keys)).toContain('record_member');
      expect(await begun({ log_keys: keys }, 1)).toEqual([]);
    }
    expect(await begun({ log_keys: undefined, later: 1 })).toContain('record_member');
    expect(await begun({ log_keys: [OTHER_SIGNER.key.vkey] })).toContain('record_member');
    expect(await begun({ log_keys: [own, OTHER_SIGNER.key.vkey] })).toContain('record_member');
    const elsewhere = signerOf('audit.example.com/else', Buffer.alloc(32, 1)).signer.key.vkey;
    expect(await begun({ log_keys: [own, elsewhere] })).toContain('record_member');
  });

  it('change in a seal that has a record of it, and a record only there', async () => {
    const next = OTHER_SIGNER.key.vkey;
    const key = (more: Loose = {}) => line({ kind: 'key', time, log_keys: [next], ...more });
    const found = async (records: string[], named: string | undefined, level = 2) => {
      const drafts = honestDrafts();
      const all = records.length === 0 ? {} : { trail: records };
      const lie = (seal: Loose) => {
        if (named !== undefined) seal['next_key'] = named;
      };
      drafts[4] = { ...drafts[4]!, records: { ...all, ...drafts[4]!.records }, lie };
      return (await verified(await buildTrail(level === 2 ? ofLevel2(drafts) : drafts))).codes;
    };
    expect(await found([key()], next)).not.toContain('key_record');
    expect(await found([], next)).toContain('key_record');
    expect(await found([key()], undefined)).toContain('key_record');
    expect(await found([key(), key()], next)).toContain('key_record');
    expect(await found([key({ log_keys: [own] })], next)).toContain('key_record');
    expect(await found([key({ log_keys: [] })], next)).toContain('record_member');
    expect(await found([key({ time: undefined })], next)).toContain('record_member');
    expect(await found([key({ log_keys: 7 })], undefined, 1)).toEqual([]);
    expect(await found([], next, 1)).toEqual([]);
  });
});

describe('values that can be erased', () => {
  const row = (x: unknown, kind = 'sealed'): string =>
    change(5, 2, {
      action: 'insert',
      patch: [{ op: 'add', path: '', value: { id: '42', x } }],
      encoded: { '/patch/0/value/x': kind },
    });
  const digest = ZERO;
  const text = (bytes: number) => Buffer.alloc(bytes).toString('base64');

  it('look as they should', async () => {
    for (const x of [`k_1-A.${digest}.${text(29)}`, `${'k'.repeat(64)}.${digest}.${text(400)}`]) {
      expect(await beside({ default: [row(x)] }), x).toEqual([]);
    }
    for (const x of [
      null,
      'x',
      `.${digest}.${text(29)}`,
      `${'k'.repeat(65)}.${digest}.${text(29)}`,
      `k:1.${digest}.${text(29)}`,
      `k.${text(31)}.${text(29)}`,
      `k.${digest.replace('A=', 'B=')}.${text(29)}`,
      `k.${digest}.${text(28)}`,
      `k.${digest}.${text(29)}.`,
      `k.${digest}`,
    ]) {
      expect(await beside({ default: [row(x)] }), String(x)).toContain('record_encoded');
      expect(await beside({ default: [row(x)] }, 1)).toEqual([]);
    }
  });
});

describe('changes of level 2', () => {
  const whole = (before: unknown, after: unknown) => [
    { op: 'test', path: '', value: before },
    { op: 'replace', path: '', value: after },
  ];
  const keyless = { target: { ...target, key: null } };
  const found = (more: Loose, level = 2) => beside({ default: [change(5, 2, more)] }, level);

  it('whose row nothing identifies say the whole of it', async () => {
    expect(await found({ ...keyless, patch: whole({ a: 1 }, { a: 2 }) })).toEqual([]);
    expect(await found({ ...keyless, patch: whole({}, {}) })).toEqual([]);
    expect(await found({ ...keyless, patch: whole({ a: 1 }, { a: 2 }) }, 1)).toEqual(['patch_malformed']);
    expect(await found({ ...keyless, patch: whole({ a: 1 }, 2) })).toEqual(['patch_malformed']);
    expect(await found({ ...keyless, patch: [] })).toEqual(['patch_malformed']);
    expect(await found(keyless)).toEqual(['patch_malformed']);
    expect(await found(keyless, 1)).toEqual([]);
    expect(await found({ patch: whole({ a: 1 }, { a: 2 }) })).toEqual(['patch_malformed']);
    expect(await found({ ...keyless, image: 'changed', patch: whole({ a: 1 }, { a: 2 }) })).toEqual([
      'patch_malformed',
    ]);
  });

  it('have no empty key, and `before` and `salt` of a form, on updates', async () => {
    expect(await found({ target: { ...target, key: {} } })).toEqual(['record_member']);
    expect(await found({ target: { ...target, key: {} } }, 1)).toEqual([]);
    expect(await found({ before: RUN_SALT, salt: SALT })).toEqual([]);
    for (const more of [{ before: SALT }, { before: null }, { salt: RUN_SALT }, { salt: 7 }]) {
      expect(await found(more), line(more)).toEqual(['record_member']);
      expect(await found(more, 1)).toEqual([]);
    }
    const insert = { action: 'insert', patch: [{ op: 'add', path: '', value: {} }] };
    expect(await found({ ...insert, before: RUN_SALT })).toEqual(['record_member']);
  });

  it('may be an agent’s, and told by a log', async () => {
    expect(await found({ actor, attribution })).toEqual([]);
    expect(await found({ actor }, 1)).toEqual(['record_member']);
    expect(await found({ attribution }, 1)).toEqual(['record_member']);
    expect(await found({ outcome: 'denied' })).toEqual(['record_member']);
  });
});

it('the genesis that tests begin with is the one of its level', () => {
  expect(JSON.parse(laterGenesis())).toEqual({ ...JSON.parse(genesis()), log_keys: [SIGNER.key.vkey] });
});
