import { describe, expect, test } from 'vitest';
import { RowsealError } from '../../../base/errors.ts';
import type { Resume } from '../../source.ts';
import type { BinlogState, ServerFacts } from '../wire/server.ts';
import { decideOpening } from './continuation.ts';
import type { OpeningFacts } from './opening-case.ts';
import { placeOf } from './place.ts';

const A = '11111111-1111-1111-1111-111111111111';
const B = '22222222-2222-2222-2222-222222222222';

const MYSQL: ServerFacts = {
  flavor: 'mysql',
  version: '9.7.4',
  versionNumber: 90704,
  serverId: 1,
  serverUuid: A,
  hostname: 'db',
  port: 3306,
  performanceSchema: true,
  gtids: true,
  foldsNames: false,
  settings: { gtid_mode: 'ON' },
};
const MARIADB: ServerFacts = { ...MYSQL, flavor: 'mariadb', serverUuid: null, settings: {} };
const NO_GTIDS: ServerFacts = { ...MYSQL, gtids: false, settings: { gtid_mode: 'OFF' } };

const FILES = [
  { name: 'bin.000004', size: 100 },
  { name: 'bin.000005', size: 900 },
];
const state = (change: Partial<BinlogState>): BinlogState => ({
  executed: null,
  purged: null,
  history: null,
  files: FILES,
  ...change,
});
const END = { file: 'bin.000005', position: 900 };

function judge(facts: ServerFacts, now: Partial<BinlogState>, resume: Partial<Resume>, refused = false) {
  const opening: OpeningFacts = {
    resume: { through: null, incarnation: null, acceptGap: null, ...resume },
    facts,
    state: state(now),
    end: END,
    refused,
  };
  try {
    return decideOpening(opening);
  } catch (error) {
    if (error instanceof RowsealError) return { code: error.code, acceptGap: error.details['accept_gap'] };
    throw error;
  }
}

/** Refused as `code`, and with the named position accepted goes on at `start`. */
function refusedThenAccepted(
  facts: ServerFacts,
  now: Partial<BinlogState>,
  resume: Partial<Resume> & { through: string },
  code: string,
  start: string,
  refused = false,
) {
  expect(judge(facts, now, resume, refused)).toEqual({ code, acceptGap: resume.through });
  expect(judge(facts, now, { ...resume, acceptGap: `${A}:99` }, refused)).toMatchObject({ code });
  const accepted = judge(facts, now, { ...resume, acceptGap: resume.through }, refused);
  expect(accepted).toMatchObject({ start, gap: { from: resume.through, to: start } });
  // Behind the accepted gap nothing is missing any more.
  const next = judge(facts, now, { ...resume, through: start, partial: null, incarnation: null }, refused);
  expect(next).toEqual({ start, gap: null });
}

describe('a transaction that is sealed in part, as another server told it', () => {
  // A replica's log may lack comments, or have the rows of a table without a key in another order: going on by the index
  // would lose as many changes, or say them twice, and nobody would know.
  test('is not gone on with: the rest of it is the gap', () => {
    const mysql = { through: `${A}:1-7`, partial: `${A}:8`, incarnation: B };
    const held = { executed: `${A}:1-90`, purged: '' };
    refusedThenAccepted(MYSQL, held, mysql, 'source_changed', `${A}:1-8`);
    expect(judge(MYSQL, held, { ...mysql, incarnation: A })).toEqual({ start: mysql.through, gap: null });
    expect(judge(MYSQL, held, { ...mysql, partial: null })).toEqual({ start: mysql.through, gap: null });
    const mariadb = { through: '0-1-7,1-1-4', partial: '0-1-8', incarnation: 'server_id 9' };
    const history = { history: '0-1-90,1-1-4', purged: '' };
    refusedThenAccepted(MARIADB, history, mariadb, 'source_changed', '0-1-8,1-1-4');
  });
});

describe('a new trail begins where the log ends', () => {
  test.each([
    [MYSQL, { executed: `${A.toUpperCase()}:1-7`, purged: '' }, `${A}:1-7`],
    [MYSQL, { executed: '', purged: '' }, 'empty'],
    [MARIADB, { executed: '1-1-3,0-1-5', history: '0-1-5,1-1-3', purged: '' }, '0-1-5,1-1-3'],
    [MARIADB, { executed: '', history: '', purged: '' }, 'empty'],
    [NO_GTIDS, {}, 'bin.000005:900'],
  ])('%#', (facts, now, start) => {
    expect(judge(facts, now, {})).toEqual({ start, gap: null });
    // And goes on there.
    expect(judge(facts, now, { through: start })).toEqual({ start, gap: null });
  });
});

describe('MySQL with GTIDs', () => {
  const now = { executed: `${A}:1-90,${B}:1-5`, purged: `${A}:1-10` };

  test('goes on where everything behind it is there', () => {
    for (const through of [`${A}:1-90,${B}:1-5`, `${A}:1-10`, `${A}:1-20:25-30,${B}:2`]) {
      expect(judge(MYSQL, now, { through })).toEqual({ start: through, gap: null });
    }
    // Another server of the same topology.
    expect(judge(MYSQL, now, { through: `${A}:1-50`, incarnation: B })).toEqual({
      start: `${A}:1-50`,
      gap: null,
    });
  });

  test('purged: a hole is accepted, and nothing beyond it', () => {
    refusedThenAccepted(MYSQL, now, { through: `${A}:1-9` }, 'binlog_purged', `${A}:1-10`);
    refusedThenAccepted(MYSQL, now, { through: 'empty' }, 'binlog_purged', `${A}:1-10`);
    // What is pending (a hole in the set) must be read again, too.
    refusedThenAccepted(MYSQL, now, { through: `${A}:1-5:7-60` }, 'binlog_purged', `${A}:1-60`);
  });

  test('the server lacks what is sealed: a failover that lost, a reset, a restored backup', () => {
    refusedThenAccepted(
      MYSQL,
      now,
      { through: `${A}:1-95` },
      'source_changed',
      // What comes under those numbers from now on is something else, and is delivered.
      `${A}:1-90`,
    );
    refusedThenAccepted(
      MYSQL,
      { executed: '', purged: '' },
      { through: `${A}:1-9` },
      'source_changed',
      'empty',
    );
    expect(judge(MYSQL, now, { through: `${A}:1-90`, partial: `${A}:91` })).toMatchObject({
      code: 'source_changed',
    });
    expect(judge(MYSQL, now, { through: `${A}:1-89`, partial: `${A}:90` })).toMatchObject({ gap: null });
  });

  test('a reset: what bears the sealed numbers now is something else, and is delivered', () => {
    const anew = { executed: `${A}:1-3`, purged: '', files: [{ name: 'bin.000001', size: 500 }] };
    const through = `${A}:1-9`;
    refusedThenAccepted(MYSQL, anew, { through, incarnation: A }, 'source_changed', 'empty');
    // Another server, and one whose log did not begin anew: what both have is the same.
    refusedThenAccepted(MYSQL, anew, { through, incarnation: B }, 'source_changed', `${A}:1-3`);
    refusedThenAccepted(
      MYSQL,
      { ...anew, files: FILES },
      { through, incarnation: A },
      'source_changed',
      `${A}:1-3`,
    );
    // The new numbers have come past ours.
    const past = { ...anew, executed: `${A}:1-20` };
    expect(judge(MYSQL, past, { through, incarnation: A, acceptGap: through })).toMatchObject({
      start: 'empty',
      gap: { from: through },
    });
    const history = { executed: '0-1-3', history: '0-1-3', purged: '', files: anew.files };
    const resume = { through: '0-1-9', incarnation: 'server_id 1' };
    refusedThenAccepted(MARIADB, history, resume, 'source_changed', 'empty');
  });

  test('another server altogether: behind the gap the trail goes on at its end', () => {
    const other = { executed: `${B}:1-500`, purged: '' };
    refusedThenAccepted(MYSQL, other, { through: `${A}:1-9` }, 'source_changed', `${B}:1-500`);
    refusedThenAccepted(MYSQL, now, { through: '0-1-5' }, 'source_changed', `${A}:1-90,${B}:1-5`);
  });

  test('GTIDs were switched off', () => {
    expect(judge(NO_GTIDS, {}, { through: `${A}:1-9`, acceptGap: `${A}:1-9` })).toMatchObject({
      code: 'source_misconfigured',
    });
  });

  test('a trail that was begun with places goes on by them', () => {
    expect(judge(MYSQL, now, { through: 'bin.000004:50', incarnation: A })).toEqual({
      start: 'bin.000004:50',
      gap: null,
    });
  });
});

describe('MariaDB', () => {
  const now = { executed: '0-2-90,1-1-4', history: '0-1-70,0-2-90,1-1-4', purged: '0-1-10' };

  test('goes on where everything behind it is there', () => {
    for (const through of ['0-2-90,1-1-4', '0-1-10', '0-1-70', '0-1-30,1-1-2']) {
      expect(judge(MARIADB, now, { through })).toEqual({ start: through, gap: null });
    }
  });

  test('purged', () => {
    refusedThenAccepted(MARIADB, now, { through: '0-1-9,1-1-4' }, 'binlog_purged', '0-1-10,1-1-4');
    refusedThenAccepted(MARIADB, now, { through: '1-1-4' }, 'binlog_purged', '0-1-10,1-1-4');
    // A prepared transaction must be read again from before what is gone.
    expect(judge(MARIADB, now, { through: '0-1-30;xa=0-1-9' })).toMatchObject({ code: 'binlog_purged' });
    expect(judge(MARIADB, now, { through: '0-1-30;xa=0-1-9', acceptGap: '0-1-30;xa=0-1-9' })).toMatchObject({
      start: '0-1-30',
    });
  });

  test("two servers' numbers are compared only where the server has refused", () => {
    const through = '0-2-5';
    expect(judge(MARIADB, now, { through })).toMatchObject({ gap: null });
    refusedThenAccepted(MARIADB, now, { through }, 'binlog_purged', '0-1-10', true);
  });

  test('the server lacks what is sealed', () => {
    refusedThenAccepted(MARIADB, now, { through: '0-1-71,1-1-4' }, 'source_changed', '0-1-70,1-1-4');
    refusedThenAccepted(MARIADB, now, { through: '7-9-1' }, 'source_changed', '0-2-90,1-1-4');
    expect(judge(MARIADB, now, { through: '0-2-90', partial: '0-2-91' })).toMatchObject({
      code: 'source_changed',
    });
  });
});

describe('places in files', () => {
  const at = (through: string) => ({ through, incarnation: A });

  test('go on', () => {
    for (const through of ['bin.000004:4', 'bin.000004:100', 'bin.000005:900']) {
      expect(judge(NO_GTIDS, {}, at(through))).toEqual({ start: through, gap: null });
    }
  });

  test('purged', () => {
    refusedThenAccepted(NO_GTIDS, {}, at('bin.000003:77'), 'binlog_purged', 'bin.000004:4');
    expect(judge(NO_GTIDS, {}, at('bin.000004:77;xa=bin.000003:5'))).toMatchObject({ code: 'binlog_purged' });
  });

  test.each([['bin.000006:4'], ['bin.000005:901'], ['bin.000004:101'], ['other.000004:4']])(
    '%s: the log was begun anew, or lost its end',
    (through) => {
      refusedThenAccepted(NO_GTIDS, {}, at(through), 'source_changed', 'bin.000005:900');
    },
  );

  test('say nothing on another server', () => {
    const resume = { through: 'bin.000005:900', incarnation: B };
    expect(judge(NO_GTIDS, {}, resume)).toMatchObject({ code: 'source_changed' });
  });

  test('need the privilege to see them', () => {
    expect(judge(NO_GTIDS, { files: [] }, at('bin.000005:900'))).toMatchObject({ code: 'source_refused' });
  });
});

test('a position is what it looks like', () => {
  expect(placeOf(`${A}:1-7, ${B}:tag:1`)).toEqual({
    by: 'gtid',
    flavor: 'mysql',
    set: `${A}:1-7,${B}:tag:1`,
  });
  expect(placeOf('0-1-5;xa=0-1-3')).toEqual({ by: 'gtid', flavor: 'mariadb', set: '0-1-5' });
  expect(placeOf('db-1-bin.000005:900')).toEqual({ by: 'file', file: 'db-1-bin.000005', position: 900 });
  for (const junk of ['', '0/16B3748', 'bin:4', 'none']) {
    expect(() => placeOf(junk)).toThrow(expect.objectContaining({ code: 'trail_invalid' }));
  }
});
