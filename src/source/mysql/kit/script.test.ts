import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KIT_COMMENT, KIT_SQL_MODE, OWNER, TRIGGER_BODY } from '../preflight/wish.ts';
import { procedureBodies, statementsOf } from './script.ts';

const FILES = [
  '01-kit.sql',
  '01-table-blackhole.sql',
  '01-table-innodb.sql',
  '02-capture-user.sql',
  '03-tables.sql',
  '99-uninstall.sql',
];
const read = (name: string) =>
  readFileSync(new URL(`../../../../sql/mysql/${name}`, import.meta.url), 'utf8');

describe('statementsOf', () => {
  test('splits where a line ends with the delimiter of the moment, and passes over comments in between', () => {
    expect(
      statementsOf(`-- a remark; with a semicolon
SELECT 1;

DELIMITER //
-- another
CREATE PROCEDURE p()
BEGIN
  SELECT 1; -- inside
END//
DELIMITER ;
SELECT ';', 2
  FROM dual;
`),
    ).toEqual([
      'SELECT 1',
      'CREATE PROCEDURE p()\nBEGIN\n  SELECT 1; -- inside\nEND',
      "SELECT ';', 2\n  FROM dual",
    ]);
  });

  test('refuses a script that ends inside a statement', () => {
    expect(() => statementsOf('SELECT 1')).toThrow('ends inside');
  });
});

describe('the shipped files', () => {
  test.each(FILES)('%s is plain ASCII, and whole', (name) => {
    expect(read(name)).toMatch(/^[\n\x20-\x7e]+$/);
    expect(statementsOf(read(name)).length).toBeGreaterThan(0);
  });

  test('make the procedures that are looked for, with nothing in their bodies that a client would strip', () => {
    const kit = procedureBodies(read('01-kit.sql'));
    expect(Object.keys(kit).sort()).toEqual(['emit_session', 'inventory', 'set_context']);
    for (const name of ['01-table-blackhole.sql', '01-table-innodb.sql'])
      expect(Object.keys(procedureBodies(read(name)))).toEqual(['emit']);
    // The mysql command line takes comments out, and the body would no longer be the shipped one.
    for (const body of Object.values(kit)) expect(body).not.toMatch(/--|\/\*|#/);
    // MySQL writes a quote inside a literal its own way: the body would never be the shipped one.
    for (const body of Object.values(kit)) expect(body).not.toMatch(/'''|\w''|''\w|\\/);
  });

  // The other way round, MariaDB showed tables that were being dropped without their triggers, as if somebody had dropped those.
  test('look at triggers before they look at tables', () => {
    const { inventory = '' } = procedureBodies(read('01-kit.sql'));
    const places = [/\bTRIGGERS\b/, /\bTABLES\b/].map((name) => inventory.search(name));
    expect(places[0]).toBeGreaterThan(0);
    expect(places[1]).toBeGreaterThan(places[0]!);
  });

  test('say what the checks look for: version, owner, sql_mode, the triggers’ body', () => {
    const all = FILES.map(read).join('\n');
    expect(all).toContain(`COMMENT='${KIT_COMMENT}'`);
    expect(read('01-kit.sql')).toContain(`SET SESSION sql_mode = '${KIT_SQL_MODE}';`);
    expect(read('01-kit.sql')).toContain(`CREATE USER IF NOT EXISTS ${OWNER} ACCOUNT LOCK;`);
    expect(read('03-tables.sql')).toContain(`${TRIGGER_BODY};`);
  });
});
