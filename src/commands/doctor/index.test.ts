import { describe, expect, test } from 'vitest';
import { judgeHead } from '../../engines/postgres/doctor.ts';
import { check, nameFile } from '../../source/preflight.ts';
import { exitStatus, table } from './index.ts';

const ok = check('server', 'a', 'ok', 'fine');
const warn = check('server', 'b', 'warn', 'so-so', { why: 'because', fix: 'SELECT 1;' });
const fail = check('tables', 'c', 'fail', 'bad', { why: 'because', fix: 'SELECT 2;' });
const diagnosis = (checks = [ok], unchecked: { what: string; why: string; fix: string }[] = []) => ({
  trail: 'audit.example.com/shop',
  checks,
  unchecked,
});

describe('doctor', () => {
  test('exits with 0 for warnings, 1 for a failure, 2 where something could not be checked', () => {
    expect(exitStatus([diagnosis([ok, warn])])).toBe(0);
    expect(exitStatus([diagnosis(), diagnosis([fail])])).toBe(1);
    expect(exitStatus([diagnosis([fail], [{ what: 'x', why: 'y', fix: 'z' }])])).toBe(2);
  });

  test('shows why and how to mend where it is not ok, and colour only where asked', () => {
    const text = table([diagnosis([ok, warn, fail])], false);
    expect(text).toContain('→ SELECT 2;');
    expect(text).toContain('1 ok, 1 warning, 1 failed, 0 not checked');
    expect(text).not.toContain('\u001b');
    expect(table([diagnosis()], true)).toContain('\u001b[32m');
  });
});

test('a fix names the configuration that was given, as a shell takes it', () => {
  expect(nameFile('rowseal setup -c FILE   # or by hand', '/etc/rowseal.yaml')).toBe(
    'rowseal setup -c /etc/rowseal.yaml   # or by hand',
  );
  expect(nameFile('rowseal setup -c FILE', "it's $1.yaml")).toBe("rowseal setup -c 'it'\\''s $1.yaml'");
});

describe('judgeHead', () => {
  const head = { number: 7, through: '0/20' };
  test.each([
    ['neither', null, null, true, 'ok'],
    ['a slot alone', null, { confirmed: '0/10' }, true, 'fail'],
    ['a trail alone', head, null, true, 'fail'],
    ['a trail, the server not asked', head, null, false, 'ok'],
    ['the slot behind', head, { confirmed: '0/10' }, true, 'ok'],
    ['the slot at through', head, { confirmed: '0/20' }, true, 'ok'],
    ['the slot ahead', head, { confirmed: '1/0' }, true, 'fail'],
  ] as const)('%s', (_, trail, slot, known, status) => {
    expect(judgeHead(trail, slot, known, 'rowseal').status).toBe(status);
  });
});
