/** `rowseal show`: prints records of a trail, as a readable history or as their very bytes. Reads only. */
import { RowsealError } from '../base/errors.ts';
import { openReader } from '../store/open.ts';
import { readRecords, type StoredRecord } from '../verify/records.ts';
import { type Command, parseCommandLine } from './command.ts';
import { renderRecord } from './show-line.ts';
import { readVerifierKey } from './verify.ts';

const HELP = `rowseal show TRAIL [filters]

Prints the records of a trail, oldest first: who did what to which row, and what changed.

  --table T         public.orders, or orders in any schema
  --key K           the row whose key has this value (42), or this column and value (id=42)
  --actor A         an actor's id, email or type
  --action A        insert, update, delete or truncate; or a kind of record: ddl, gap, tamper, lifecycle, relation
  --from, --to T    database time, inclusive: 2026-11-21, 2026-11-21T20:18, …; UTC
  --limit N         stop after N records
  --vkey VKEY       the key you were handed, or a file that holds it; without it the trail's own is trusted
  --json            the records' very bytes, one per line

Every record shown comes from a seal that the key signed and a segment whose SHA-256 stands in that seal.
Whether the trail is complete is not checked here: rowseal verify does that.

  rowseal show ./trails/audit.example.com/orders --table public.orders --key 42
  rowseal show ./trails/audit.example.com/orders --actor unknown --from 2026-11-01 --json | jq .

Exit status: 0 shown, 1 something on the way was missing or changed (named on stderr), 2 could not read the trail.
`;

const OPTIONS = {
  options: {
    table: { type: 'string' },
    key: { type: 'string' },
    actor: { type: 'string' },
    action: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    limit: { type: 'string' },
    vkey: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
} as const;

export const showCommand: Command = {
  name: 'show',
  summary: 'print records: who did what to which row, and what changed',
  help: HELP,
  async run(argv, io) {
    const { values, positionals } = parseCommandLine('show', argv, OPTIONS);
    if (values.help) {
      io.stdout.write(HELP);
      return 0;
    }
    const [location] = positionals;
    if (location === undefined || positionals.length > 1) throw usage('Name one trail to show.');
    const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : limitOf(values.limit);
    const key = values.vkey === undefined ? null : await readVerifierKey(values.vkey);
    const matches = filterOf(values);
    const mayMatch = needleOf(values);
    const reader = await openReader(location, io.env);
    let problems = 0;
    let shown = 0;
    try {
      const onProblem = (message: string) => {
        problems += 1;
        io.stderr.write(`rowseal show: ${JSON.stringify(message).slice(1, -1)}\n`);
      };
      const records = readRecords(reader, { key, mayMatch, matches, onProblem });
      for await (const record of records) {
        if (shown >= limit || io.signal.aborted) break;
        shown += 1;
        const text = values.json ? rawLine(record) : renderRecord(record, io.stdout.isTTY === true);
        if (!io.stdout.write(text)) await drained(io.stdout);
      }
    } finally {
      await reader.close();
    }
    if (shown === 0 && !values.json) io.stderr.write('No record matches.\n');
    return problems === 0 ? 0 : 1;
  },
};

interface Filters {
  readonly table?: string | undefined;
  readonly key?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

type Value = Readonly<Record<string, unknown>>;

function filterOf(filters: Filters): (value: Value) => boolean {
  const { table, key, actor, action } = filters;
  const from = filters.from === undefined ? null : timeBound(filters.from, false);
  const to = filters.to === undefined ? null : timeBound(filters.to, true);
  return (value) => {
    const target = membersOf(value['target']);
    const who = membersOf(value['actor']);
    const time = String(value['time'] ?? value['created_at'] ?? '');
    if (table !== undefined && !isTable(table, target, value)) return false;
    if (key !== undefined && !isKey(key, membersOf(target['key']))) return false;
    if (actor !== undefined && ![who['id'], who['email'], who['type']].includes(actor)) return false;
    if (action !== undefined && value['action'] !== action && value['kind'] !== action) return false;
    return (from === null || time >= from) && (to === null || time <= to);
  };
}

function isTable(wanted: string, target: Value, value: Value): boolean {
  const schema = target['schema'] ?? value['schema'];
  const table = target['table'] ?? value['table'];
  return table === wanted || `${String(schema)}.${String(table)}` === wanted;
}

function isKey(wanted: string, key: Value): boolean {
  return Object.entries(key).some(
    ([column, value]) => String(value) === wanted || `${column}=${String(value)}` === wanted,
  );
}

/** A text of plain ASCII that a matching record must hold, so that most records are never parsed. */
function needleOf({ actor, action, table }: Filters): (bytes: Buffer) => boolean {
  const needles = [actor, action, table?.slice(table.lastIndexOf('.') + 1)]
    .filter((text) => text !== undefined)
    .filter((text) => /^[A-Za-z0-9_@.-]+$/.test(text))
    .map((text) => Buffer.from(text));
  return (bytes) => needles.every((needle) => bytes.includes(needle));
}

/** A time or the beginning of one, as a bound on the record's text: `2026-11` up to the end of the month. */
function timeBound(text: string, upper: boolean): string {
  const shape = /^\d{4}(?:-\d{2}(?:-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?Z?)?)?)?$/;
  const time = text.replace(' ', 'T');
  if (!shape.test(time))
    throw usage(`${text} is no time: write 2026-11-21T20:18:33 (UTC), or the beginning of it.`);
  return upper ? `${time.replace(/Z$/, '')}\uffff` : time.replace(/Z$/, '');
}

function limitOf(text: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Number(text);
  throw usage(`--limit takes a whole number from 1 on, not ${text}`);
}

function membersOf(value: unknown): Value {
  return typeof value === 'object' && value !== null ? (value as Value) : {};
}

function rawLine({ bytes }: StoredRecord): Buffer {
  return Buffer.concat([bytes, Buffer.from('\n')]);
}

function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.once('drain', resolve));
}

function usage(message: string): RowsealError {
  return new RowsealError('usage', message, { hint: 'See rowseal show --help.' });
}
