import { describe, expect, test } from 'vitest';
import { classify } from './statements.ts';

const MODE = { ansiQuotes: false, noBackslashEscapes: false };
const of = (statement: string, mode = MODE) => classify(statement, 'shop', mode);

describe('what a transaction says of itself', () => {
  test.each([
    ['BEGIN', { kind: 'begin' }],
    ['COMMIT', { kind: 'commit' }],
    ['ROLLBACK', { kind: 'rollback' }],
    ['SAVEPOINT `s1`', { kind: 'savepoint', name: 's1' }],
    ['SAVEPOINT `a``b`', { kind: 'savepoint', name: 'a`b' }],
    ['ROLLBACK TO `s1`', { kind: 'rollback_to', name: 's1' }],
    ['rollback /* why */ work to savepoint s1', { kind: 'rollback_to', name: 's1' }],
    ['ROLLBACK TO savepoint', { kind: 'rollback_to', name: 'savepoint' }],
    ['RELEASE SAVEPOINT s1', { kind: 'release', name: 's1' }],
    ["XA START X'7831',X'62',7", { kind: 'xa', verb: 'start', xid: "X'7831',X'62',7" }],
    ["XA COMMIT X'AB',X'',1", { kind: 'xa', verb: 'commit', xid: "X'ab',X'',1" }],
    ["XA ROLLBACK X'',X'',1", { kind: 'xa', verb: 'rollback', xid: "X'',X'',1" }],
  ])('%s', (statement, expected) => {
    expect(of(statement)).toEqual(expected);
  });
});

describe('definitions', () => {
  test.each([
    ['CREATE TABLE t (a INT)', 'CREATE TABLE', 'table', 'shop.t'],
    ['create or replace table if not exists `a`.`b c` like x', 'CREATE TABLE', 'table', 'a.b c'],
    ['CREATE TEMPORARY TABLE t SELECT 1', 'CREATE TEMPORARY TABLE', 'table', 'shop.t'],
    [
      'DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `t1`,`x`.`t2` /* generated */',
      'DROP TEMPORARY TABLE',
      'table',
      'shop.t1,x.t2',
    ],
    ['TRUNCATE t', 'TRUNCATE TABLE', 'table', 'shop.t'],
    ['RENAME TABLE a TO b, x.c TO d', 'RENAME TABLE', 'table', 'shop.a,x.c'],
    ['ALTER IGNORE TABLE role ADD user INT', 'ALTER TABLE', 'table', 'shop.role'],
    ['CREATE UNIQUE INDEX i USING BTREE ON x.t (a)', 'CREATE UNIQUE INDEX', 'index', 'x.t.i'],
    [
      'CREATE DEFINER=`root`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a = 1',
      'CREATE TRIGGER',
      'trigger',
      'shop.tr',
    ],
    ['CREATE DEFINER = table@trigger PROCEDURE p() SELECT 1', 'CREATE PROCEDURE', 'procedure', 'shop.p'],
    [
      'CREATE ALGORITHM=MERGE DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW v AS SELECT 1',
      'CREATE VIEW',
      'view',
      'shop.v',
    ],
    ['CREATE PACKAGE BODY p AS END', 'CREATE PACKAGE BODY', 'package body', 'shop.p'],
    ['DROP SCHEMA IF EXISTS `o`', 'DROP DATABASE', 'database', 'o'],
    ['CREATE SEQUENCE s', 'CREATE SEQUENCE', 'sequence', 'shop.s'],
    [
      'CREATE SPATIAL REFERENCE SYSTEM 4120 NAME "x"',
      'CREATE SPATIAL REFERENCE SYSTEM',
      'spatial reference system',
      null,
    ],
    [
      "CREATE USER IF NOT EXISTS 'eve'@'%', bob@localhost IDENTIFIED BY 'x'",
      'CREATE USER',
      'user',
      'eve@%,bob@localhost',
    ],
    ['RENAME USER a@b TO c@d', 'RENAME USER', 'user', 'a@b,c@d'],
    ["SET PASSWORD FOR 'e'@'h' = 'x'", 'SET PASSWORD', 'user', 'e@h'],
    ["GRANT ALL ON `to`.* TO 'eve'@'%' WITH GRANT OPTION", 'GRANT', 'privilege', 'eve@%'],
    ['OPTIMIZE LOCAL TABLE a, b', 'OPTIMIZE TABLE', 'table', 'shop.a,shop.b'],
    ['FLUSH TABLES', 'FLUSH', '', null],
  ])('%s', (statement, tag, objectType, identity) => {
    expect(of(statement)).toMatchObject({ kind: 'ddl', tag, objectType, identity });
  });
  test('those that may carry credentials are secret', () => {
    const secret = (statement: string) => {
      const said = of(statement);
      return said.kind === 'ddl' && said.secret;
    };
    for (const statement of [
      "CREATE USER u IDENTIFIED BY 'x'",
      "ALTER USER u IDENTIFIED BY 'x'",
      'DROP ROLE r',
      "SET PASSWORD = 'x'",
      "GRANT SELECT ON *.* TO u IDENTIFIED BY PASSWORD 'x'",
      "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'x')",
      "CHANGE MASTER TO MASTER_PASSWORD='x'",
      "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='x'",
    ]) {
      expect([statement, secret(statement)]).toEqual([statement, true]);
    }
    expect(secret('GRANT SELECT ON shop.* TO u')).toBe(false);
    expect(secret('CREATE TABLE users (password TEXT)')).toBe(false);
  });
});

describe('changes in statement format', () => {
  test.each([
    ["INSERT LOW_PRIORITY IGNORE INTO x.`t` VALUES ('a')", 'statement_insert', 'x.t'],
    ['/* c */ UPDATE t SET a = 1', 'statement_update', 'shop.t'],
    ['DELETE QUICK FROM t WHERE 1', 'statement_delete', 'shop.t'],
    ['REPLACE t VALUES (1)', 'statement_replace', 'shop.t'],
    ["LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE `orders` FIELDS", 'statement_load_data', 'shop.orders'],
    ['SELECT `shop`.`f`(1)', 'statement_select', null],
    ['WITH x AS (SELECT 1) DELETE FROM t', 'statement_with', null],
    ['# Dummy event replacing event type 160', 'statement_unknown', null],
    ['', 'statement_unknown', null],
    ['FROBNICATE TABLE t', 'statement_unknown', null],
    ['CREATE', 'statement_unknown', null],
    ['`COMMIT`', 'statement_unknown', null],
  ])('%s', (statement, textClass, table) => {
    expect(of(statement)).toEqual({ kind: 'change', textClass, table });
  });
  test('a comment that the server may or may not have executed hides none', () => {
    for (const statement of [
      '/*!99999 COMMIT */ UPDATE t SET a = 1',
      '/*!99999 SAVEPOINT */ UPDATE t SET a = 1',
      '/*!99999 ALTER TABLE x */ UPDATE t SET a = 1',
      '/*M!999999 DROP TABLE x, */ UPDATE t SET a = 1',
    ]) {
      expect([statement, of(statement)]).toEqual([
        statement,
        { kind: 'change', textClass: 'statement_update', table: 'shop.t' },
      ]);
    }
    expect(of('COMMIT /*! */')).toMatchObject({ kind: 'commit' });
    expect(of('COMMIT /*!1 AND CHAIN */')).toMatchObject({ kind: 'change' });
    expect(of('/*!50000 DROP PROCEDURE p */')).toMatchObject({ kind: 'ddl', tag: 'DROP PROCEDURE' });
    expect(of('/*!50000 COMMIT */')).toMatchObject({ kind: 'change' });
  });
});
