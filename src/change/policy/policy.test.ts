import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePolicy } from './policy.ts';

const table = (name: string, ancestors: string[] = []) => {
  const [schema, ...rest] = name.split('.');
  return { schema: schema!, table: rest.join('.'), ancestors };
};

// `my-shop.*` ended the daemon with "a defect: SyntaxError", and doctor had said that all is well.
test('whatever a name holds, it is a pattern that it matches itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (name) => {
      const policy = compilePolicy({
        tables: [{ match: `my-shop.${name}` }],
        actors: [{ login: name, application: `${name}-*`, actor: { type: 'service', id: 'x' } }],
      });
      expect(policy.table(table(`my-shop.${name}`))?.class).toBe('default');
      expect(policy.actor(name, `${name}-1`)?.id).toBe('x');
    }),
  );
  const dash = compilePolicy({ tables: [{ match: 'my-shop.a-?' }] });
  expect(dash.table(table('my-shop.a-b'))).not.toBeNull();
  expect(dash.table(table('my-shop.a-'))).toBeNull();
  expect(dash.table(table('my.shop.a-b'))).toBeNull();
});

describe('which rule applies', () => {
  const policy = compilePolicy({
    tables: [
      { match: 'public.*' },
      { match: 'public.payments', class: 'financial', columns: { card: 'mask' } },
      { match: 'public.log_?', class: 'short' },
    ],
  });
  test.each([
    ['public.orders', [], 'default'],
    ['public.payments', [], 'financial'],
    ['public.payments2', [], 'default'],
    ['public.log_1', [], 'short'],
    ['public.log_12', [], 'default'],
    ['other.orders', [], undefined],
    ['Public.orders', [], undefined],
    ['other.leaf', ['public.payments'], 'financial'],
  ])('%s %j: %s', (name, ancestors, expected) => {
    expect(policy.table(table(name, ancestors))?.class).toBe(expected);
  });
  // A partition lies in the same schema as its parent more often than not. If its own match by `public.*`
  // beat the rule that names its parent, the parent's redactions would not hold for a single row of it.
  test('a partition does not escape the rule that names its parent', () => {
    const leaf = policy.table(table('public.payments_2026', ['public.payments']));
    expect(leaf?.class).toBe('financial');
    expect(leaf?.columns.get('card')).toBe('mask');
  });
  test('a later rule that names the partition itself wins', () => {
    const later = compilePolicy({ tables: [{ match: 'a.parent' }, { match: 'a.leaf', class: 'own' }] });
    expect(later.table(table('a.leaf', ['a.parent']))?.class).toBe('own');
  });
  test('an excluded table is left out, and a later rule can take it in again', () => {
    const rules = [{ match: 'public.*' }, { match: 'public.tmp_*', exclude: true }];
    expect(compilePolicy({ tables: rules }).table(table('public.tmp_1'))).toBeNull();
    const again = compilePolicy({ tables: [...rules, { match: 'public.tmp_1', class: 'own' }] });
    expect(again.table(table('public.tmp_1'))?.class).toBe('own');
  });
  // MySQL with lower_case_table_names = 1 says `shop.orders` of what everybody calls Shop.Orders: no rule matched it, silently.
  test('in whatever case names are written, where the database makes no difference', () => {
    const rules = [
      { match: 'Shop.*' },
      { match: 'SHOP.Secret', exclude: true },
      { match: 'shop.Ärzte', columns: { name: 'mask' as const } },
    ];
    const folding = (name: string, foldsNames: boolean) =>
      compilePolicy({ tables: rules }).table({ ...table(name), foldsNames });
    expect(folding('shop.orders', true)).not.toBeNull();
    expect(folding('shop.secret', true)).toBeNull();
    expect(folding('shop.ärzte', true)?.columns.get('name')).toBe('mask');
    expect(folding('shop2.orders', true)).toBeNull();
    expect(folding('shop.orders', false)).toBeNull();
    expect(folding('Shop.secret', false)).not.toBeNull();
  });
  test('a pattern is no regular expression', () => {
    const dotted = compilePolicy({ tables: [{ match: 'a.b+(c)[d]' }] });
    expect(dotted.table(table('a.b+(c)[d]'))).not.toBeNull();
    expect(dotted.table(table('axb+(c)[d]'))).toBeNull();
    expect(dotted.table(table('a.bb(c)[d]'))).toBeNull();
  });
});

test('hmac without a key, and classes that tables may not have, are refused', () => {
  expect(() => compilePolicy({ tables: [{ match: '*', columns: { a: 'hmac' } }] })).toThrow(/no HMAC key/);
  expect(() => compilePolicy({ tables: [{ match: '*', class: 'trail' }] })).toThrow(/class/);
  expect(() => compilePolicy({ tables: [{ match: '*', class: 'No' }] })).toThrow(/class/);
});

test('actors by login and application, the last match first', () => {
  const policy = compilePolicy({
    tables: [],
    actors: [
      { login: 'app_*', actor: { type: 'service', id: 'app' } },
      { login: 'app_cron', application: 'nightly', actor: { type: 'system', id: 'cron' } },
    ],
  });
  expect(policy.actor('app_1', null)?.id).toBe('app');
  expect(policy.actor('app_cron', 'nightly')?.id).toBe('cron');
  expect(policy.actor('app_cron', 'other')?.id).toBe('app');
  expect(policy.actor(null, 'nightly')).toBeNull();
});

describe('where the ancestors are lost', () => {
  const hmac = { id: 'k', key: Buffer.alloc(32) };
  const rules = [
    { match: 'a.*', columns: { x: 'hmac', y: 'drop' } },
    { match: 'b.one', columns: { x: 'mask', y: 'hmac', z: 'hmac' } },
  ] as const;
  const lost = { ...table('a.leaf'), ancestry: 'lost' } as const;
  const redactions = (policy: ReturnType<typeof compilePolicy>) =>
    Object.fromEntries(policy.table(lost)?.columns ?? []);
  test('the severest of what any later rule says of a column', () => {
    expect(redactions(compilePolicy({ tables: rules, hmac }))).toEqual({ x: 'mask', y: 'drop', z: 'hmac' });
    expect(compilePolicy({ tables: rules, hmac }).table(table('a.leaf'))?.columns.get('x')).toBe('hmac');
    expect(redactions(compilePolicy({ tables: rules.toReversed(), hmac }))).toEqual({ x: 'hmac', y: 'drop' });
  });
  test('what a later rule could exclude is masked whole', () => {
    const policy = compilePolicy({ tables: [...rules, { match: 'b.two', exclude: true }], hmac });
    expect(redactions(policy)).toEqual({ x: 'mask', y: 'drop', z: 'mask' });
    expect(policy.table(lost)?.others).toBe('mask');
  });
  test.each([
    ['c.leaf', rules, true],
    ['a.leaf', rules, false],
    ['c.leaf', [{ match: 'c.*', exclude: true }], false],
    ['c.leaf', [{ match: 'c.*', exclude: true }, { match: 'b.one' }], true],
    ['c.leaf', [{ match: 'b.one' }, { match: 'c.*', exclude: true }], false],
  ] as const)('%s with %j: perhaps recorded: %s', (name, tables, expected) => {
    const policy = compilePolicy({ tables, hmac });
    expect(policy.perhaps({ ...table(name), ancestry: 'remembered' })).toBe(expected);
    expect(policy.perhaps(table(name))).toBe(false);
  });
});
