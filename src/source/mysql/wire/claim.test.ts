import { expect, test } from 'vitest';
import { readClaim, takeClaim } from './claim.ts';
import type { TextRow } from './sessions.ts';

/** A server where `holders` have the lock, one after the other (null: it is free), and these sessions are seen. */
function serverWith(holders: (string | null)[], sessions: TextRow[]) {
  const asked: string[] = [];
  const query = async (text: string): Promise<TextRow[]> => {
    asked.push(text);
    if (text.includes('IS_USED_LOCK')) return [{ holder: holders.shift() ?? null }];
    if (text.includes('GET_LOCK')) return [{ got: holders[0] == null ? '1' : '0' }];
    return text === 'SHOW PROCESSLIST' ? sessions : [{ user: 'rowseal' }];
  };
  return { query, asked };
}
const session = (Id: string, User: string, Command = 'Binlog Dump'): TextRow => ({
  Id,
  User,
  Command,
  Host: '',
});

test('a free server_id is claimed', async () => {
  const server = serverWith([null], []);
  await takeClaim(server, 4242);
  expect(server.asked).toHaveLength(1);
});

test('another dump of our account has it', async () => {
  const sessions = [session('7', 'rowseal'), session('8', 'app')];
  expect(await readClaim(serverWith(['7'], sessions), 4242)).toBe(7);
  await expect(takeClaim(serverWith(['7'], sessions), 4242)).rejects.toMatchObject({
    code: 'server_id_in_use',
    message: 'session 7 of this account reads the binary log as server_id 4242 already',
  });
});

// An anonymous account calls itself as it likes, but may not have a binlog sent to it.
test.each([session('8', 'app'), session('8', 'rowseal', 'Sleep')])(
  'a stranger’s lock does not keep us out, whatever he calls himself',
  async (stranger) => {
    const server = serverWith(Array(20).fill('8'), [session('7', 'rowseal'), stranger]);
    expect(await readClaim(server, 4242)).toBeNull();
    await takeClaim(server, 4242);
    expect(server.asked.filter((text) => text.includes('GET_LOCK'))).toHaveLength(10);
  },
);

test('whoever lets go, or becomes a dump, is waited for', async () => {
  const server = serverWith(['8', '8', null], [session('8', 'rowseal', 'Sleep')]);
  await takeClaim(server, 4242);
  expect(server.asked.filter((text) => text.includes('GET_LOCK'))).toHaveLength(3);
});

// Galera: ER_NOT_SUPPORTED_YET, or ER_UNKNOWN_ERROR in its strict mode.
test('a server without such locks is streamed from without a claim; one that is gone is not', async () => {
  const failing = (error: object) => ({ query: () => Promise.reject(Object.assign(new Error('no'), error)) });
  for (const errno of [1235, 1105]) {
    await takeClaim(failing({ errno }), 4242);
    expect(await readClaim(failing({ errno }), 4242)).toBeNull();
  }
  await expect(takeClaim(failing({ code: 'ECONNRESET' }), 4242)).rejects.toMatchObject({
    code: 'ECONNRESET',
  });
});
