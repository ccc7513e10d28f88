/**
 * On MySQL and MariaDB: the store fails, fails though it took effect, hangs and is late; the server restarts and is
 * killed; the dump is killed. All at once, under load: the trail equals the shadow log in the end.
 */
import { test } from 'vitest';
import { LASTING, SMALL_SEALS } from '../support/crash.ts';
import { dumpsOf } from '../support/mysql.ts';
import { startCase } from '../support/mysql-case.ts';
import { disturbServer } from '../support/mysql-crash.ts';
import { startWorkload } from '../support/mysql-workload.ts';
import { type Random, seedOfRun } from '../support/random.ts';
import { nothing, surviveStoreFaults } from '../support/store-faults.ts';

test.each(['mysql', 'mariadb'] as const)(
  '%s: a store that fails, persists and hangs, and a server that goes away',
  async (flavor) => {
    const seed = seedOfRun();
    await using at = await startCase({ flavor, seal: SMALL_SEALS });
    // As an operator might.
    const cut = async () => {
      for (const id of await dumpsOf(at.server)) await at.server.sql(`KILL ${id}`).catch(() => undefined);
    };
    const server = (random: Random) => disturbServer(at, random);
    await surviveStoreFaults(at, {
      seed,
      load: async () => {
        await at.begin();
        return startWorkload({ ...at, ...LASTING, urlFor: at.server.urlFor, seed });
      },
      disturbances: [nothing, cut, server, cut, nothing],
    });
  },
);
