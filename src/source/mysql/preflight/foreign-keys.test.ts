import { describe, expect, test } from 'vitest';
import { cascade, good, server, wish } from '../../../../test/support/mysql-preflight.ts';
import type { PreflightFacts } from './facts.ts';
import { cascadesFrom } from './foreign-keys.ts';
import { preflight } from './preflight.ts';

describe('cascades', () => {
  const fix = (facts: PreflightFacts) =>
    preflight(facts, { ...wish, flavor: facts.server.flavor }).find(({ id }) => id.startsWith('foreign_key'));
  const newer = (innodb_native_foreign_keys: string) => {
    const settings = { ...good.server.settings, innodb_native_foreign_keys };
    return { ...server({ versionNumber: 90_600, version: '9.6.0', settings }), cascades: [cascade] };
  };
  test('each says what mends it, by version', () => {
    expect(fix({ ...good, cascades: [cascade] })?.fix).toMatch(/^Upgrade to MySQL 9\.6 or later/);
    expect(fix(newer('ON'))?.fix).toMatch(/^my\.cnf: innodb_native_foreign_keys = OFF/);
    expect(fix({ ...server({ flavor: 'mariadb' }), cascades: [cascade] })?.fix).toContain(
      'ALTER TABLE `shop`.`orders` ADD CONSTRAINT `fk` FOREIGN KEY (`a`, `b`) REFERENCES `crm`.`people` (`x`, `y`);',
    );
  });
  test('from some parents on, to the children of their children', () => {
    const key = (child: string, parent: string) => ({
      ...cascade,
      table: child,
      parentSchema: 'shop',
      parentTable: parent,
    });
    const all = [
      key('lines', 'orders'),
      key('notes', 'lines'),
      key('others', 'people'),
      key('lines', 'lines'),
    ];
    expect(cascadesFrom([], all)).toEqual([]);
    expect(cascadesFrom(['shop.orders'], all)).toEqual([all[0], all[1], all[3]]);
    expect(cascadesFrom(['shop.people', 'shop.none'], all)).toEqual([all[2]]);
  });
  test('a server that logs them has none', () => {
    expect(fix(newer('OFF'))).toMatchObject({ id: 'foreign_keys.cascades', status: 'ok' });
  });
});
