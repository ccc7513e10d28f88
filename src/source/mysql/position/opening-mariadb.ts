/**
 * Whether a stream of MariaDB's can go on: positions of a GTID per domain against the server's history. Numbers are
 * compared only where they mean something: a server numbers its own transactions of a domain upwards.
 */
import type { Position } from '../../../change/change.ts';
import { type MariadbPosition, parseMariadbPosition } from './mariadb-gtid.ts';
import {
  begunAnew,
  elsewhereInPart,
  endOfLog,
  goOn,
  type Opening,
  type OpeningFacts,
  orAccepted,
} from './opening-case.ts';
import { EMPTY_LOG, partialSet, readFrom } from './place.ts';

export function byMariadbPosition(opening: OpeningFacts, set: string): Opening {
  const { resume, state, facts, refused } = opening;
  const through = parseMariadbPosition(set);
  const partial = parseMariadbPosition(partialSet(resume));
  const history = historyOf(state.history ?? '');
  const purged = parseMariadbPosition(state.purged ?? '');

  // The trail holds what this server never had. A server numbers its own transactions of a domain upwards; two servers' numbers say nothing.
  const lacking = [...gtidsOf(through), ...gtidsOf(partial)].filter(
    ({ domain, server, number }) => (history.get(`${domain}-${server}`) ?? -1n) < number,
  );
  if (lacking.length > 0) {
    const why = `the server does not know ${lacking.map(({ text }) => text).join(',')}, which are sealed`;
    const own = lacking.some(({ server }) => server === facts.serverId);
    return orAccepted(opening, 'source_changed', why, () =>
      own && begunAnew(opening) ? EMPTY_LOG : common(opening, through, history, purged),
    );
  }

  // The oldest file begins behind `through`. Numbers of two servers are compared only where the server
  //    has refused already.
  const again = readFrom(resume.through as Position);
  const needed = gtidsOf(again.by === 'gtid' ? parseMariadbPosition(again.set) : through);
  const missing = gtidsOf(purged).filter(({ domain, server, number }) => {
    const last = needed.find((gtid) => gtid.domain === domain);
    if (last === undefined) return true;
    return (last.server === server || refused === true) && number > last.number;
  });
  if (missing.length > 0) {
    const why = `the binary logs before ${missing.map(({ text }) => text).join(',')} were removed`;
    return orAccepted(opening, 'binlog_purged', why, () => {
      const start = through.copy();
      const later = (domain: number, than: bigint) =>
        gtidsOf(through).some((gtid) => gtid.domain === domain && gtid.number >= than);
      for (const { domain, server, number } of missing) {
        if (!later(domain, number)) start.set(domain, server, number);
      }
      return start.text();
    });
  }
  const behind = () => {
    const start = through.copy();
    for (const { domain, server, number } of gtidsOf(partial)) start.set(domain, server, number);
    return start.text();
  };
  return elsewhereInPart(opening, behind) ?? goOn(opening);
}

/** Behind the last of each domain that both have; where there is none, behind what is gone. */
function common(
  opening: OpeningFacts,
  through: MariadbPosition,
  history: ReadonlyMap<string, bigint>,
  purged: MariadbPosition,
): Position {
  const start = purged.copy();
  let shared = false;
  for (const { domain, server, number } of gtidsOf(through)) {
    const last = history.get(`${domain}-${server}`);
    if (last === undefined) continue;
    shared = true;
    start.set(domain, server, lesser(last, number));
  }
  return shared ? start.text() : endOfLog(opening);
}

function lesser(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}

interface MariadbGtid {
  readonly domain: number;
  readonly server: number;
  readonly number: bigint;
  readonly text: string;
}

function gtidsOf(position: MariadbPosition): MariadbGtid[] {
  return position.domains.map((domain) => {
    const last = position.last(domain) ?? '';
    const [server = '', number = ''] = last.split('-');
    return { domain, server: Number(server), number: BigInt(number), text: `${domain}-${last}` };
  });
}

/** gtid_binlog_state: the last number by `domain-server`. */
function historyOf(state: string): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const gtid of state.replaceAll(/\s/g, '').split(',').filter(Boolean)) {
    const [domain, server, number = '0'] = gtid.split('-');
    found.set(`${domain}-${server}`, BigInt(number));
  }
  return found;
}
