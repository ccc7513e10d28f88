/**
 * Recorded binlog streams (test/vectors/binlog), what a decoder makes of them as lines of text, and what a server sends to
 * a replica that is at some position.
 */
import { readFileSync } from 'node:fs';
import { ABSENT, type ChangeHandler, NULL, RAW, type RowImage, TEXT } from '../../src/change/change.ts';
import { EVENT, headerOf, readRotate } from '../../src/source/mysql/events/events.ts';
import { parseGtidSet } from '../../src/source/mysql/position/gtid.ts';
import {
  readMariadbGtid,
  readMysqlGtid,
  readTaggedGtid,
} from '../../src/source/mysql/position/gtid-event.ts';
import { parseMariadbPosition } from '../../src/source/mysql/position/mariadb-gtid.ts';
import { type FilePlace, startOf } from '../../src/source/mysql/position/position.ts';
import {
  createDecoder,
  type Decoder,
  type DecoderOptions,
} from '../../src/source/mysql/transactions/decode.ts';
import { rotateEvent } from './binlog-events.ts';

export interface Scenario {
  readonly scenario: string;
  readonly sql: readonly string[];
  readonly events: readonly Buffer[];
  /** Of the last one of MySQL: gtid_executed afterwards. */
  readonly executed?: string;
}

export const RECORDED = [
  { name: 'mysql-9.7', flavor: 'mysql', start: 'empty' },
  { name: 'mysql-9.7-file', flavor: 'mysql', start: 'bin.000001:158' },
  { name: 'mariadb-10.11', flavor: 'mariadb', start: 'empty' },
  { name: 'mariadb-11.8', flavor: 'mariadb', start: 'empty' },
] as const;

export function recorded(name: string): Scenario[] {
  const text = readFileSync(new URL(`../vectors/binlog/${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const scenario = JSON.parse(line);
      return { ...scenario, events: scenario.events.map((event: string) => Buffer.from(event, 'base64')) };
    });
}

/** A decoder whose handler writes down what it is told. */
export function listening(options: Partial<DecoderOptions> & Pick<DecoderOptions, 'flavor'>): {
  readonly decoder: Decoder;
  readonly said: string[];
} {
  const said: string[] = [];
  const say = (...words: (string | object)[]) => {
    said.push(words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' '));
  };
  const handler: ChangeHandler = {
    begin: (start) => say('begin', start),
    row: (action, { schema, table, columns }, before, _beforeIsKey, after) => {
      const shown = (image: RowImage | null) =>
        image === null ? '-' : columns.map(({ name }, i) => `${name}=${cell(image, i)}`).join(' ');
      say(action, `${schema}.${table}`, '|', shown(before), '|', shown(after));
    },
    truncate: () => say('truncate'),
    message: (prefix, content) => say(prefix, content.toString()),
    commit: (end) => say('commit', end),
    quiet: (position) => say('quiet', position),
    observe: (observation) => say(observation.kind, observation),
  };
  const decoder = createDecoder({
    handler,
    start: 'empty',
    threads: null,
    contextTrigger: () => false,
    ...options,
  });
  return { decoder, said };
}

function cell(image: RowImage, i: number): string {
  const kind = image.kinds[i]!;
  if (kind === NULL) return 'NULL';
  if (kind === ABSENT) return '(absent)';
  const text = image.bytes.toString('utf8', image.starts[i], image.ends[i]);
  return kind === TEXT ? text : kind === RAW ? `(raw ${text})` : '(unchanged)';
}

/** What a server sends of its events to a replica that starts there. */
export function sentFrom(events: readonly Buffer[], flavor: 'mysql' | 'mariadb', position: string): Buffer[] {
  const start = startOf(position);
  if (start.by === 'file') return sentFromPlace(events, start);
  const set = parseGtidSet(flavor === 'mysql' ? start.set : '');
  const from = parseMariadbPosition(flavor === 'mariadb' ? start.set : '');
  const reached = new Set<number>();
  const sent: Buffer[] = [];
  let skipping = false;
  for (const event of events) {
    const header = headerOf(event);
    const end = event.length - 4;
    if (BETWEEN.has(header.type)) {
      sent.push(event);
      continue;
    }
    if (header.type === EVENT.GTID || header.type === EVENT.GTID_TAGGED) {
      const read = header.type === EVENT.GTID ? readMysqlGtid : readTaggedGtid;
      const { source, number } = read(event, end);
      skipping = set.has(source!, number);
    }
    if (header.type === EVENT.MARIADB_GTID) {
      const { domain, serverId, sequence } = readMariadbGtid(event, end, header);
      const last = from.last(domain);
      skipping = last !== null && !reached.has(domain);
      if (last === `${serverId}-${sequence}`) reached.add(domain);
    }
    if (!skipping) sent.push(event);
  }
  return sent;
}

/** A ROTATE that says where it begins, the file's description, and what lies behind the place. */
function sentFromPlace(events: readonly Buffer[], { file, position }: FilePlace): Buffer[] {
  const sent: Buffer[] = [rotateEvent(file, position, 0x20)];
  let current = '';
  for (const each of events) {
    const header = headerOf(each);
    const isNext = header.type === EVENT.ROTATE && header.artificial;
    if (isNext) current = readRotate(each, each.length - 4).file;
    if (current === file && header.type === EVENT.FORMAT_DESCRIPTION) sent.push(each);
    else if (current === file && !isNext && header.endPosition > position) sent.push(each);
    else if (current > file) sent.push(each);
  }
  return sent;
}

const BETWEEN: ReadonlySet<number> = new Set([
  EVENT.ROTATE,
  EVENT.FORMAT_DESCRIPTION,
  EVENT.PREVIOUS_GTIDS,
  EVENT.GTID_LIST,
  EVENT.BINLOG_CHECKPOINT,
]);
