import { describe, expect, test } from 'vitest';
import {
  good,
  kit,
  procedure,
  server,
  setting,
  trigger,
  wish,
} from '../../../../test/support/mysql-preflight.ts';
import type { PreflightFacts } from '../preflight/facts.ts';
import { planSetup, renderAccount } from './setup-plan.ts';

describe('the plan of setup', () => {
  const files = {
    kit: 'KIT;',
    tableBlackhole: 'HOLE;',
    tableInnodb: 'STORE;',
    account: `FOR 'rowseal'@'%';`,
    uninstall: 'OUT',
  };
  const sql = (facts: PreflightFacts) => planSetup(facts, wish, files, null).steps.map((step) => step.sql);
  const bare: PreflightFacts = { ...good, kit: null, triggers: [], account: null };

  test('nothing is left to do where everything is there', () => expect(sql(good)).toEqual([]));

  test('what a trigger calls comes before the trigger', () => {
    const steps = sql(bare);
    expect(steps.slice(0, 3)).toEqual(['KIT;', 'HOLE;', `FOR 'rowseal'@'%';`]);
    expect(steps.slice(3, 5)).toEqual([
      "GRANT REFERENCES ON `shop`.* TO 'rowseal'@'%';",
      "GRANT EXECUTE ON PROCEDURE rowseal.set_context TO 'app'@'%';",
    ]);
    expect(steps[5]).toContain('GRANT TRIGGER ON `shop`.* TO rowseal_owner@localhost;');
    expect(steps).toHaveLength(6);
    expect(planSetup(bare, wish, files, null).notes).toEqual([expect.stringContaining('stays locked')]);
  });

  test('BLACKHOLE is installed where it lies there, and done without where not', () => {
    expect(sql({ ...bare, blackhole: 'installable' })[0]).toBe("INSTALL SONAME 'ha_blackhole';");
    expect(sql({ ...bare, blackhole: 'absent' }).slice(0, 2)).toEqual(['KIT;', 'STORE;']);
  });

  test('an altered procedure is made anew, and its callers keep their grant', () => {
    const altered = { ...kit, procedures: [procedure('set_context', 'other'), procedure('emit', 'B')] };
    expect(sql({ ...good, kit: altered })).toEqual([
      'DROP PROCEDURE IF EXISTS rowseal.`set_context`;',
      'KIT;',
      'HOLE;',
      "GRANT EXECUTE ON PROCEDURE rowseal.set_context TO 'app'@'%';",
    ]);
  });

  // An upgrade changed rowseal.inventory alone. The plan ran the files as a whole: on MariaDB that replaced the procedure which
  // every trigger calls too, and MySQL before 8.0.29 ended it, since the others were there already.
  test('what an older kit lacks is renewed, and what is whole is not touched', () => {
    const create = (name: string, body: string) =>
      `CREATE OR REPLACE PROCEDURE rowseal.${name}()\nSQL SECURITY DEFINER\nBEGIN ${body}; END`;
    const kitFile = [
      'SET SESSION sql_mode = 1;\nDELIMITER //',
      `${create('emit_session', 'SELECT 1')}//`,
      `${create('inventory', 'SELECT 2')}//`,
      'DELIMITER ;\nGRANT IT;',
    ].join('\n');
    const hole = `DELIMITER //\n${create('emit', 'SELECT 3')}//\nDELIMITER ;`;
    const bodies = { emit_session: 'BEGIN SELECT 1; END', inventory: 'BEGIN SELECT 2; END' };
    const emit = { blackhole: 'BEGIN SELECT 3; END', innodb: 'I' };
    const procedures = [
      procedure('emit_session', 'BEGIN SELECT 1; END'),
      procedure('inventory', 'BEGIN SELECT 0; END'),
      procedure('emit', 'BEGIN SELECT 3; END'),
    ];
    const { steps } = planSetup(
      { ...good, kit: { ...kit, procedures } },
      { ...wish, procedures: { bodies, emit } },
      { ...files, kit: kitFile, tableBlackhole: hole },
      null,
    );
    expect(steps.map(({ statements }) => statements)).toEqual([
      ['DROP PROCEDURE IF EXISTS rowseal.`inventory`'],
      ['SET SESSION sql_mode = 1', create('inventory', 'SELECT 2'), 'GRANT IT'],
      [],
      [`GRANT EXECUTE ON PROCEDURE rowseal.inventory TO 'rowseal'@'%'`],
    ]);
    expect(steps[1]?.sql).toBe(
      `DELIMITER //\nSET SESSION sql_mode = 1//\n${create('inventory', 'SELECT 2')}//\nGRANT IT//\nDELIMITER ;`,
    );
  });

  test('a hash is never shown', () => {
    const { steps } = planSetup(good, wish, files, {
      plugin: 'caching_sha2_password',
      text: '$A$005$secret',
    });
    expect(steps[0]?.sql).toContain(`AS '$A$005$secret' ACCOUNT UNLOCK;`);
    expect(steps[0]?.shown).not.toContain('secret');
  });

  test('refuses another flavor, a server that takes no writes, a trigger of somebody else', () => {
    const triggers = [{ ...trigger('INSERT'), definer: 'root@localhost' }];
    const facts = { ...server({ flavor: 'mariadb' }), triggers, variables: { super_read_only: 'ON' } };
    expect(planSetup(facts, wish, files, null).refused.map(({ what }) => what)).toEqual([
      '8.4.3',
      'a server that takes no writes',
      'shop.orders',
    ]);
  });

  test('refuses, as a whole, a server without binary log and accounts that do not exist', () => {
    const facts = { ...setting('log_bin', 'OFF'), strangers: [`'app'@'%'`] };
    expect(planSetup(facts, wish, files, null).refused).toEqual([
      expect.objectContaining({ what: 'the server writes no binary log' }),
      {
        what: "context_accounts: 'app'@'%'",
        why: 'there is no such account',
        fix: "CREATE USER 'app'@'%' IDENTIFIED BY '…'; -- or correct context_accounts",
      },
    ]);
  });

  test('the account stands where the file has its example', () => {
    const file = `SELECT '''rowseal''@''%'''; CREATE USER 'rowseal'@'%' REQUIRE SSL;`;
    expect(renderAccount(file, `'cap'@'10.%'`, false)).toBe(
      `SELECT '''cap''@''10.%'''; CREATE USER 'cap'@'10.%' REQUIRE NONE;`,
    );
  });
});
