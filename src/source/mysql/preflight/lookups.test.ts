import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { account, good, server } from '../../../../test/support/mysql-preflight.ts';
import { grantLookup, LOOKUPS, lackingLookups, lookupChecks } from './lookups.ts';

const found = (facts: typeof good) =>
  lookupChecks(facts, facts.account!)
    .filter(({ status }) => status !== 'ok')
    .map(({ id, fix }) => `${id} ${fix}`);
const NEW = good.account!.performanceSchema.columns;
const OLD = Object.keys(LOOKUPS);

describe('what the capture account may read of performance_schema', () => {
  // The whole tables show everybody's statements, literals included.
  test('the kit grants the columns that we ask for, and no table', () => {
    const sql = readFileSync(new URL('../../../../sql/mysql/02-capture-user.sql', import.meta.url), 'utf8');
    const granted = sql.split('\n').filter((line) => line.startsWith('GRANT SELECT'));
    expect(granted).toEqual(OLD.map((table) => grantLookup(table, `'rowseal'@'%'`)));
  });

  test('columns are enough; one that is missing is told with its grant', () => {
    expect(found(good)).toEqual([]);
    const columns = NEW.filter((each) => each !== 'threads.PROCESSLIST_HOST');
    expect(found(account({ performanceSchema: { whole: [], columns } }))).toEqual([
      `account.lookups GRANT SELECT (PROCESSLIST_ID, PROCESSLIST_USER, PROCESSLIST_HOST) ON performance_schema.threads TO 'rowseal'@'%';`,
    ]);
    expect(lackingLookups(server({ performanceSchema: false }), { ...good.account!, ...NONE })).toEqual([]);
  });

  test.each([
    ['the tables, as setup granted them once', OLD],
    ['the whole schema', ['*']],
  ])('%s serve too, and are warned of with what mends it', (_, whole) => {
    const facts = account({ performanceSchema: { whole, columns: [] } });
    expect(lackingLookups(facts, facts.account!)).toEqual([]);
    const [one = '', ...more] = found(facts);
    expect(more).toEqual([]);
    const revoked = whole.includes('*') ? '*' : 'threads';
    expect(one).toContain(`account.wide_lookups REVOKE SELECT ON performance_schema.${revoked} FROM`);
    expect(one.lastIndexOf('REVOKE')).toBeLessThan(one.indexOf('GRANT'));
    expect(one).toContain(grantLookup('threads', `'rowseal'@'%'`));
  });
});

const NONE = { performanceSchema: { whole: [], columns: [] } };
