import { describe, expect, test } from 'vitest';
import { good, kit } from '../../../../test/support/mysql-preflight.ts';
import type { PreflightFacts } from '../preflight/facts.ts';
import { planUninstall, type Unsealed } from './uninstall-plan.ts';

const files = { uninstall: 'OUT' };

describe('the plan of uninstall', () => {
  test('triggers first, then grants, which the server keeps; accounts of others stay; nothing for nothing', () => {
    expect(planUninstall({ ...good, kit: null }, files, null).steps).toEqual([]);
    const { steps, refused } = planUninstall(good, files, null);
    expect(refused).toEqual([]);
    expect(steps.map((step) => step.sql)).toEqual([
      'DROP TRIGGER IF EXISTS `shop`.`rowseal_i_orders`;',
      'DROP TRIGGER IF EXISTS `shop`.`rowseal_u_orders`;',
      'DROP TRIGGER IF EXISTS `shop`.`rowseal_d_orders`;',
      "REVOKE EXECUTE ON PROCEDURE `rowseal`.`set_context` FROM 'app'@'%';",
      'OUT',
      "DROP USER IF EXISTS 'rowseal'@'%';",
    ]);
    const theirs = planUninstall({ ...good, kit: { ...kit, made: [] } }, files, null);
    expect(theirs.steps).toHaveLength(5);
    expect(theirs.notes.at(-1)).toContain('stays');
  });

  test.each<[string, Partial<PreflightFacts>, string | null]>([
    ['a session of its account', { dumps: [7, 8] }, "(session 7, 8 of 'rowseal'@'%')"],
    ['a replica by our number', { rival: { text: 'rowseal', ours: true } }, 'whose end was sealed'],
    ['somebody else by that number', { rival: { text: 'db2', ours: false } }, null],
  ])('is refused while a daemon streams: %s', (_, change, why) => {
    const { refused } = planUninstall({ ...good, ...change }, files, null);
    expect(refused.map((each) => each.why)).toEqual(why === null ? [] : [expect.stringContaining(why)]);
    for (const { fix } of refused) expect(fix).toContain('Stop the daemon first');
  });

  test.each<[Unsealed | null, string]>([
    [null, 'what was committed since the last seal will not be in the trail. To seal it, '],
    [{ count: 0, unit: 'transactions' }, 'everything that was committed so far is sealed'],
    [{ count: 1, unit: 'transactions' }, '1 transaction behind the last seal will not be in the trail. '],
    [{ count: 9, unit: 'bytes' }, '9 bytes of the binlog behind the last seal will not be in the trail. '],
  ])('says what is not sealed: %j', (unsealed, text) => {
    expect(planUninstall(good, files, unsealed).notes[0]).toContain(text);
  });
});
