import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sealed } from '../../../../test/support/binlog-events.ts';
import { listening, RECORDED, recorded, sentFrom } from '../../../../test/support/binlog-recorded.ts';
import { runs } from '../../../../test/support/runs.ts';
import { RowsealError } from '../../../base/errors.ts';

async function told(events: readonly Buffer[], options: Parameters<typeof listening>[0]): Promise<string[]> {
  const { decoder, said } = listening(options);
  for (const event of events) await decoder.event(Buffer.from(event));
  return said;
}

/** The calls of one scenario, after all those before it. */
async function scenario(name: string, flavor: 'mysql' | 'mariadb', wanted: string): Promise<string[]> {
  const { start } = RECORDED.find((each) => each.name === name)!;
  const { decoder, said } = listening({ flavor, start });
  for (const { scenario: each, events } of recorded(name)) {
    const from = said.length;
    for (const event of events) await decoder.event(Buffer.from(event));
    if (each === wanted) return said.slice(from);
  }
  throw new Error(`no scenario ${wanted}`);
}

describe.each(RECORDED)('recorded from $name', ({ name, flavor, start }) => {
  const from = { flavor, start };
  const all = recorded(name);
  const events = all.flatMap((each) => each.events);

  test('every scenario as its calls', async () => {
    const { decoder, said } = listening(from);
    for (const each of all) {
      said.push(`\n== ${each.scenario}`, ...each.sql.map((sql) => `   ${sql.replaceAll('\n', ' ')}`));
      for (const event of each.events) await decoder.event(event);
    }
    const file = new URL(`../../../../test/vectors/binlog/${name}.calls.txt`, import.meta.url).pathname;
    await expect(`${said.join('\n').trim()}\n`).toMatchFileSnapshot(file);
  });

  test('no secret and no literal of a statement leaves the decoder', async () => {
    const text = (await told(events, from)).join('\n');
    for (const sql of ['S3CRET', 'IDENTIFIED', 'stmt secret', "it''s", 'plain note', '368D12741DD']) {
      expect(text).not.toContain(sql);
    }
  });

  test('begin and commit alternate, and everything of a transaction stands between them', async () => {
    let inside = false;
    for (const line of await told(events, from)) {
      const [word] = line.split(' ');
      const between = ['quiet', 'begin'].includes(word!);
      expect([line, inside]).toEqual([line, !between]);
      if (word === 'begin' || word === 'commit') inside = word === 'begin';
    }
    expect(inside).toBe(false);
  });

  test('a daemon that starts anew at any position gets exactly what is behind it', async () => {
    const whole = await told(events, from);
    const changes = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('quiet '));
    const positions = new Set<string>();
    for (const [index, line] of whole.entries()) {
      const position = /^(?:commit|quiet) (.*)$/.exec(line)?.[1];
      if (position === undefined || positions.has(position)) continue;
      positions.add(position);
      const rest = changes(whole.slice(index + 1));
      const again = await told(sentFrom(events, flavor, position), { flavor, start: position });
      expect({ position, again: changes(again).map(atGap) }).toEqual({ position, again: rest.map(atGap) });
    }
    expect(positions.size).toBeGreaterThan(50);
  });

  test('what was looked up live changes no call but begin', async () => {
    const owner = { login: 'app@10.0.0.4', address: '10.0.0.4', application: 'billing' };
    const without = await told(events, from);
    for (const find of [() => owner, () => Promise.resolve(owner), () => null]) {
      const found = await told(events, { ...from, threads: { find } });
      const rest = (lines: readonly string[]) =>
        lines.map((line) => line.replace(/,"session":\{.*\}\}$/, '}'));
      expect(rest(found)).toEqual(rest(without));
    }
  });

  test('neither do triggers that come and go, the configuration, or how often it waits', async () => {
    // What the configuration decides is which rows without column names are missing: told before the commit, not counted.
    const calls = (lines: readonly string[]) => lines.filter((line) => !line.includes('"no_column_names"'));
    let asked = 0;
    const found = await told(events, {
      ...from,
      contextTrigger: () => asked++ % 3 === 0,
      covers: () => asked++ % 2 === 0,
      ready: () => (asked++ % 2 === 0 ? Promise.resolve() : undefined),
    });
    expect(calls(found)).toEqual(calls(await told(events, from)));
    expect(asked).toBeGreaterThan(50);
  });

  test('a stream that is cut off between or inside of events leaves no transaction that was not committed', async () => {
    const whole = await told(events, from);
    for (let count = 0; count < events.length; count += 7) {
      const said = await told(events.slice(0, count), from);
      expect(said).toEqual(whole.slice(0, said.length));
    }
  });

  test('a flipped bit anywhere is not understood', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(events.length - 1), fc.nat(), fc.nat(7), async (which, at, bit) => {
        const spoiled = Buffer.from(events[which]!);
        spoiled[at % spoiled.length]! ^= 1 << bit;
        // The first event comes before it is known whether there are checksums: the second tells.
        const stream = [...events.slice(0, which), spoiled, ...(which === 0 ? events.slice(1, 2) : [])];
        await expect(told(stream, from)).rejects.toMatchObject({ code: 'stream_not_understood' });
      }),
      { numRuns: runs(300) },
    );
  });

  test('ends on any bytes whose checksums are right, with a result or a RowsealError', async () => {
    const spoil = fc.record({
      which: fc.nat(events.length - 1),
      at: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      cut: fc.option(fc.nat(40)),
    });
    await fc.assert(
      fc.asyncProperty(spoil, async ({ which, at, cut }) => {
        const whole = events[which]!;
        const kept = cut === null ? whole.length : Math.max(23, whole.length - cut);
        const spoiled = Buffer.concat([whole.subarray(0, kept - 4), Buffer.alloc(4)]);
        for (const [place, value] of at) spoiled[4 + (place % (spoiled.length - 8))] = value;
        spoiled.writeUInt32LE(spoiled.length, 9);
        sealed(spoiled);
        // A few events before it, and what comes behind.
        const stream = [...events.slice(0, 4), ...events.slice(Math.max(4, which - 12), which), spoiled];
        try {
          await told([...stream, ...events.slice(which + 1, which + 12)], from);
        } catch (error) {
          if (!(error instanceof RowsealError)) throw error;
        }
      }),
      { numRuns: runs(1500) },
    );
  });
});

/** A gap's `from` and `to` are the same but for what was read again. */
function atGap(line: string): string {
  return line.startsWith('gap ') ? line.replaceAll(/;xa=[^"]*/g, '') : line;
}

describe('what happened, as records will tell it', () => {
  test("MySQL: the commit time is the server's, whatever the session says", async () => {
    const [begin] = await scenario('mysql-9.7', 'mysql', 'forged-time');
    expect(begin).toMatch(/"time":"2026-11-22T02:\d\d:\d\d\.\d{6}Z"/);
    expect(begin).not.toContain('time_source');
  });

  test("MariaDB: the time is the header's, and says so", async () => {
    const [begin] = await scenario('mariadb-10.11', 'mariadb', 'forged-time');
    expect(begin).toContain('"time":"2001-09-09T01:46:40.000000Z","timeSource":"header"');
  });

  test.each(RECORDED)(
    "$name: a prepared transaction comes with its verdict, in the verdict's place",
    async ({ name, flavor }) => {
      const rows = (lines: readonly string[]) => lines.filter((line) => /^(insert|begin|commit)/.test(line));
      expect(rows(await scenario(name, flavor, 'xa-commit'))).toEqual([]);
      expect(rows(await scenario(name, flavor, 'between-xa'))[1]).toContain('id=61');
      expect(rows(await scenario(name, flavor, 'xa-commit-verdict'))[1]).toContain('id=60');
      expect(rows(await scenario(name, flavor, 'xa-rollback'))).toEqual([]);
      expect(rows(await scenario(name, flavor, 'xa-one-phase'))[1]).toContain('id=63');
    },
  );

  test.each(RECORDED)(
    '$name: what was rolled back to a savepoint is no change, or is told',
    async ({ name, flavor }) => {
      const plain = (await scenario(name, flavor, 'savepoint')).join('\n');
      expect(plain).toContain('id=5');
      expect(plain).not.toContain('id=6');
      expect(plain).toContain('id=7');
      const temporary = (await scenario(name, flavor, 'savepoint-temporary')).join('\n');
      expect(temporary).not.toContain('id=19');
      const mixed = (await scenario(name, flavor, 'savepoint-mixed-engines')).join('\n');
      if (flavor === 'mariadb')
        expect(mixed).toContain('"reason":"rolled_back","details":{"first":2,"last":2');
      else expect(mixed).not.toContain('id=9');
    },
  );

  test.each(RECORDED)('$name: a literal that looks like a comment is none', async ({ name, flavor }) => {
    const comments = (await scenario(name, flavor, 'comments')).filter((line) => line.startsWith('rowseal.'));
    expect(comments).toEqual([
      `rowseal.session {"only":"comment","comment":"actor='u_7',route='%2Fpay'"}`,
      `rowseal.session {"only":"comment","comment":"actor='u_8'"}`,
      `rowseal.session {"only":"comment"}`,
    ]);
  });

  test('MySQL: a DDL whose character set could hide a quote', async () => {
    expect(await scenario('mysql-9.7', 'mysql', 'gbk')).toContainEqual(
      expect.stringContaining("CREATE TABLE `表` (id INT PRIMARY KEY, v VARCHAR(9) DEFAULT '…' COMMENT '…')"),
    );
  });

  test('MariaDB: an ALTER in two phases is one, at its commit', async () => {
    const lines = await scenario('mariadb-10.11', 'mariadb', 'alter-two-phase');
    expect(lines.filter((line) => line.startsWith('rowseal.ddl'))).toHaveLength(1);
  });
});
