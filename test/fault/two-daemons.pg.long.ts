/** A second daemon on the same slot gives up in the end, and says why. */
import { expect, test } from 'vitest';
import { startCase } from '../support/capture-case.ts';
import { isConnected, rowseal, startDaemon, writeConfig } from '../support/daemon.ts';

test('two daemons on one slot: the second stops with slot_in_use, the first goes on', async () => {
  await using at = await startCase({ major: 18 });
  await using first = startDaemon(at.config.path);
  await first.says(isConnected);
  const path = at.config.path.replace('rowseal.yaml', 'second.yaml');
  await writeConfig(path, at.options, at.config.name);
  await using second = startDaemon(path);
  expect(await second.exited).toBe(2);
  expect(second.stderr()).toContain('[slot_in_use]');
  expect(await first.terminate()).toBe(0);
  const verified = await rowseal(['verify', at.config.folder, '--key', at.config.vkey, '--strict']);
  expect(verified.code, verified.stdout).toBe(0);
});
