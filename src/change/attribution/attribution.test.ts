import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical, exactJson, member } from '../../../test/support/plain-record.ts';
import { compilePolicy } from '../policy/policy.ts';
import { parseJsonTree } from '../values/json-tree.ts';
import { envelopeOfApplication, envelopeOfComment, envelopeOfSetting } from './annotations.ts';
import { type Attribution, createAttributor, readMessage } from './attribution.ts';
import { envelopeOfTree } from './envelope.ts';

const rules = compilePolicy({
  tables: [],
  actors: [{ login: 'cron', actor: { type: 'system', id: 'cron' } }],
});

/** The attribution's bytes as an object. */
function seen(attribution: Attribution | null) {
  if (attribution === null) return null;
  const text = `${attribution.actor}${attribution.context}`;
  return JSON.parse(canonical(exactJson(`{${text.slice(1)}}`)));
}
const tree = (value: unknown) => readMessage(Buffer.from(JSON.stringify(value)))!;
const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const session = (more: object) =>
  tree({ v: 1, login: 'app', role: 'none', application: 'billing', pid: 12, ...more });

describe('tiers', () => {
  test('the highest that applies; the login stays beside it', () => {
    const it = createAttributor(rules);
    it.begin();
    expect(it.current()).toBeNull();
    it.session(session({ comment: "/*user_id='c%2F1',route='%2Forders'*/", address: '10.0.0.4' }));
    expect(seen(it.current())).toEqual({
      actor: { type: 'user', id: 'c/1' },
      attribution: { tier: 'annotated', via: 'comment' },
      extra: { route: '/orders' },
      connection: { user: 'app', application: 'billing', address: '10.0.0.4', pid: 12 },
    });
    it.session(session({ actor: 'u_1', comment: "/*user_id='c1'*/" }));
    expect(seen(it.current())).toMatchObject({
      actor: { id: 'u_1' },
      attribution: { tier: 'session', via: 'setting' },
    });
    const asserted = {
      v: 1,
      context: { actor: { type: 'user', id: 'u_2' }, request: 'r' },
      login: 'app',
      pid: 12,
    };
    it.asserted(tree(asserted), size(asserted));
    expect(seen(it.current())).toEqual({
      actor: { type: 'user', id: 'u_2' },
      attribution: { tier: 'asserted', via: 'message' },
      request: 'r',
      connection: { user: 'app', pid: 12 },
    });
    expect(seen(it.reachingBack())).toMatchObject({ actor: { id: 'u_1' } });
    it.begin();
    expect(it.current()).toBeNull();
  });
  test('the full state of a session withdraws what it lacks', () => {
    const it = createAttributor(rules);
    it.begin();
    it.session(session({ actor: 'u_1' }));
    it.session(session({}));
    expect(seen(it.current())).toMatchObject({
      actor: { type: 'login', id: 'app' },
      attribution: { tier: 'connection', via: 'trigger' },
    });
    it.session(session({ login: 'cron' }));
    expect(seen(it.current())).toMatchObject({
      actor: { type: 'system', id: 'cron' },
      attribution: { via: 'rule' },
    });
  });
  test('a context that is none takes the earlier one away', () => {
    const it = createAttributor(rules);
    it.begin();
    const long = { actor: { id: 'x' }, reason: 'r'.repeat(8192) };
    for (const context of [
      null,
      {},
      [],
      'x',
      { actor: {} },
      { actor: { id: '' } },
      { actor: { type: 'login', id: 'x' } },
      long,
    ]) {
      expect(it.asserted(tree({ context: { actor: { id: 'u_1' } } }), 40)).toBe(true);
      expect(it.asserted(tree({ context }), size({ context }))).toBe(false);
      expect(it.current()).toBeNull();
    }
    it.asserted(tree({ context: { actor: { id: 'u_1' } } }), 40);
    expect(it.asserted(null, 3)).toBe(false);
    expect(it.current()).toBeNull();
  });
  test('a ddl message brings its own session', () => {
    const it = createAttributor(rules);
    it.begin();
    expect(seen(it.ofDdl(tree({ login: 'dba', application: 'psql', pid: 3 })))).toEqual({
      actor: { type: 'login', id: 'dba' },
      attribution: { tier: 'connection', via: 'trigger' },
      connection: { user: 'dba', application: 'psql', pid: 3 },
    });
    expect(seen(it.ofDdl(tree({})))).toEqual({ actor: { type: 'unknown' }, attribution: { tier: 'none' } });
    expect(seen(it.ofDdl(tree({ login: 'dba', actor: 'ana' })))).toMatchObject({
      attribution: { tier: 'session' },
    });
  });
});

describe('the envelope', () => {
  const read = (text: string) => {
    const envelope = envelopeOfTree(parseJsonTree(text)!);
    return envelope === null ? null : canonical(exactJson(`{"actor":${envelope.actor}${envelope.members}}`));
  };
  test('known members in order, unknown ones under extra, digits untouched', () => {
    expect(
      read(
        '{"actor":{"id":12345678901234567890,"type":"service","email":"e","team":1.0},"ip":"::1","n":1.00,"session":null,"reason":{"a":1}}',
      ),
    ).toBe(
      '{"actor":{"email":"e","id":"12345678901234567890","type":"service"},"extra":{"actor":{"team":1.0},"n":1.00,"reason":{"a":1}},"ip":"::1"}',
    );
  });
  test('any JSON: an envelope or none, and always strict JSON', () => {
    const value = fc.json({ stringUnit: 'binary' });
    const member = fc.constantFrom(
      'type',
      'id',
      'email',
      'session',
      'request',
      'ip',
      'extra',
      'connection',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.dictionary(member, value), fc.dictionary(member, value), (actor, rest) => {
        const object = (from: object) =>
          Object.entries(from)
            .map(([name, text]) => `"${name}":${text}`)
            .join(',');
        const inner = object(rest);
        read(`{"actor":{${object({ id: '"u"', ...actor })}}${inner === '' ? '' : ','}${inner}}`);
      }),
    );
  });
});

describe('other carriers', () => {
  const shown = (envelope: { actor: string; members: string } | null) =>
    envelope === null ? null : canonical(exactJson(`{"a":${envelope.actor}${envelope.members}}`));
  test('application_name', () => {
    expect(shown(envelopeOfApplication('billing actor=u_1 session=s_9'))).toBe(
      '{"a":{"id":"u_1","type":"user"},"session":"s_9"}',
    );
    expect(envelopeOfApplication('billing')).toBeNull();
    expect(envelopeOfApplication('billing session=s_9')).toBeNull();
    const cut = 'billing actor=u_'.padEnd(63, '1');
    expect(envelopeOfApplication(cut)).toBeNull();
    expect(envelopeOfApplication(cut.slice(0, -1))).not.toBeNull();
    expect(envelopeOfApplication('b actor=u_'.padEnd(53, 'é'))).toBeNull(); // counted in bytes
  });
  test('rowseal.actor', () => {
    expect(shown(envelopeOfSetting('u_1'))).toBe('{"a":{"id":"u_1","type":"user"}}');
    expect(shown(envelopeOfSetting('{"actor":{"type":"service","id":"x"},"request":"r"}'))).toBe(
      '{"a":{"id":"x","type":"service"},"request":"r"}',
    );
    for (const bad of ['', ' ', '{', '{}', '{"actor":"x"}', 'x'.repeat(8193)])
      expect(envelopeOfSetting(bad)).toBeNull();
  });
  test('sqlcommenter', () => {
    const comment =
      "/*actor='o%27brien',actor_type='service',traceparent='00-ab-cd-01',db%20driver='it\\'s',request_id='7'*/";
    expect(shown(envelopeOfComment(comment))).toBe(
      '{"a":{"id":"o\'brien","type":"service"},"extra":{"db driver":"it\'s"},"request":"7","traceparent":"00-ab-cd-01"}',
    );
    for (const bad of [
      '',
      '/* hello */',
      "/*route='x'*/",
      "/*actor='%zz'*/",
      "/*actor='a' or 1*/",
      "/*actor='a*/",
    ]) {
      expect(envelopeOfComment(bad)).toBeNull();
    }
  });
  test('nothing throws, whatever the text', () => {
    const unit = fc.constantFrom(
      'actor',
      'session',
      '=',
      "'",
      ',',
      '%',
      '%2',
      '\\',
      ' ',
      '{',
      '}',
      '"',
      ':',
      '/*',
      '*/',
      'é',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        for (const read of [envelopeOfApplication, envelopeOfComment, envelopeOfSetting]) shown(read(text));
      }),
    );
  });
});

test('messages that are no JSON object in UTF-8, or too long, are not read', () => {
  for (const bad of ['', 'null', '[]', '"x"', '{', '{"a":1,"a":2}', `{"a":"${'x'.repeat(256 * 1024)}"}`]) {
    expect(readMessage(Buffer.from(bad))).toBeNull();
  }
  expect(readMessage(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeNull();
  expect(member(exactJson('{"a":1}'), 'a')).toEqual({ number: '1' });
});

describe('what the server says of the session, beside the log', () => {
  const known = { pid: 12, login: 'app@10.0.0.4', address: '10.0.0.4', application: 'billing' };

  test('is the login of changes of which nobody said more', () => {
    const it = createAttributor(rules);
    it.begin(known);
    expect(seen(it.current())).toEqual({
      actor: { type: 'login', id: 'app@10.0.0.4' },
      attribution: { tier: 'connection', via: 'performance_schema' },
      connection: { user: 'app@10.0.0.4', application: 'billing', address: '10.0.0.4', pid: 12 },
    });
    it.begin({ pid: 12 });
    expect(seen(it.current())).toEqual({
      actor: { type: 'unknown' },
      attribution: { tier: 'none' },
      connection: { pid: 12 },
    });
    it.begin();
    expect(it.current()).toBeNull();
    it.begin({ ...known, application: 'billing actor=u_1' });
    expect(seen(it.current())).toMatchObject({
      actor: { id: 'u_1' },
      attribution: { tier: 'session', via: 'application_name' },
    });
  });
  test('gives way to what is said, and stays beside it', () => {
    const it = createAttributor(rules);
    it.begin(known);
    expect(it.session(tree({ only: 'comment', comment: "actor='u_7'" }))).toBe(false);
    expect(seen(it.current())).toMatchObject({
      actor: { id: 'u_7' },
      attribution: { tier: 'annotated' },
      connection: { application: 'billing', pid: 12 },
    });
    it.session(tree({ only: 'comment' }));
    expect(seen(it.current())).toMatchObject({ attribution: { tier: 'connection' } });
    expect(it.session(tree({ login: 'app@10.0.0.4', pid: 12, actor: 'u_5' }))).toBe(true);
    expect(seen(it.current())).toMatchObject({
      actor: { id: 'u_5' },
      connection: { user: 'app@10.0.0.4', application: 'billing', pid: 12 },
    });
  });
  test('is not enough for a row whose trigger will speak; one that never does leaves it', () => {
    const it = createAttributor(rules);
    it.begin(known);
    it.session(tree({ only: 'comment', comment: "actor='u_7'" }));
    expect(it.current(true)).toBeNull();
    expect(seen(it.unspoken())).toMatchObject({
      attribution: { tier: 'connection', via: 'performance_schema' },
    });
    it.session(tree({ login: 'app', actor: 'u_5' }));
    expect(seen(it.current(true))).toMatchObject({ actor: { id: 'u_5' } });
    it.begin(known);
    it.asserted(tree({ context: { actor: { id: 'u_2' } } }), 40);
    expect(seen(it.current(true))).toMatchObject({ actor: { id: 'u_2' } });
    it.begin();
    expect(seen(it.unspoken())).toEqual({ actor: { type: 'unknown' }, attribution: { tier: 'none' } });
  });
  test('is who ran a DDL', () => {
    const it = createAttributor(rules);
    it.begin(known);
    expect(seen(it.ofDdl(tree({ tag: 'CREATE TABLE' })))).toMatchObject({
      attribution: { tier: 'connection', via: 'performance_schema' },
      connection: { user: 'app@10.0.0.4', pid: 12 },
    });
  });
});
