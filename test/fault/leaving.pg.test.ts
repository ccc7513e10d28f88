/** Asked to leave, the daemon leaves, whatever it waits for; and what it left half done is taken up by the next. */
import { expect, test } from 'vitest';
import { startCase } from '../support/capture-case.ts';
import { isConnected, rowseal, startDaemon } from '../support/daemon.ts';

// A new slot waits for every transaction that is open; SIGTERM was not heard until the last of them had ended.
test('SIGTERM while a new slot waits for an open transaction', async () => {
  await using at = await startCase({ major: 18 });
  const holder = await at.admin();
  await holder.query('begin; select pg_current_xact_id()');
  await using first = startDaemon(at.config.path);
  await first.says(({ msg }) => msg === 'the slot waits for the transactions that are open now to end');
  expect(await first.terminate(5000)).toBe(0);
  await using second = startDaemon(at.config.path);
  await second.says((line) => line['code'] === 'slot_in_use' || isConnected(line));
  await holder.query('rollback');
  await second.says(isConnected);
  expect(await second.terminate()).toBe(0);
  const verified = await rowseal(['verify', at.config.folder, '--key', at.config.vkey, '--strict']);
  expect(verified.code, verified.stdout).toBe(0);
});
