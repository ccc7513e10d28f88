/** `rowseal show`: prints records of a trail, as a readable history or as their very bytes. Reads only. */
import { RowsealError } from '../../base/errors.ts';
import { clean, type Output, recordLine, text } from '../../base/text.ts';
import { shellWord } from '../../source/preflight.ts';
import { openReader } from '../../store/open.ts';
import type { Seal } from '../../trail/seal.ts';
import { readRecords } from '../../verify/read-records.ts';
import { type Command, parseCommandLine } from '../command.ts';
import { readVerifierKey } from '../verify/index.ts';
import { filterOf, needleOf } from './filter.ts';
import { createGapCount, gapsLine, mayBeGap } from './gaps.ts';
import { createHistory } from './history.ts';
import { nothing, refuseUnknown } from './nothing.ts';

const HELP = text`rowseal show TRAIL [filters]

Prints the records of a trail, oldest first: when, who, how that is known, what changed. Where --table and --key name
one row, it is not named in every line.

  --table T         public.orders, or orders in any schema
  --key K           the row whose key has this value (42), or this column and value (id=42), before or after the change
  --ddl             with --table: also the DDL on it, in its place
  --actor A         an actor's id, email or type
  --action A        insert, update, delete or truncate; or a kind of record: ddl, gap, tamper, lifecycle, relation
  --from, --to T    database time, inclusive: 2026-11-21, 2026-11-21T20:18, …; UTC
  --limit N         stop after N records
  --vkey VKEY       the key you were handed, or a file that holds it; without it the trail's own is trusted
  --ids             the records' ids too
  --json            the records' very bytes, one per line (on a terminal with what could steer it escaped)

Every record shown comes from a seal that the key signed and a segment whose SHA-256 stands in that seal.
Whether the trail is complete is not checked here: rowseal verify does that. With --table, gap records that may hide
changes of it are counted from the first record shown on, and told at the end (with --json on stderr).

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
    ddl: { type: 'boolean', default: false },
    ids: { type: 'boolean', default: false },
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
    refuseVkeyAsKey(values.key);
    const key = values.vkey === undefined ? null : await readVerifierKey(values.vkey);
    if (values.ddl && values.table === undefined) throw usage('--ddl goes with --table.');
    const keyless = new Set<string>();
    const matches = filterOf(values, (table) => keyless.add(table));
    const mayMatch = needleOf(values);
    const gaps = createGapCount(values);
    const reader = await openReader(location, io.env);
    let problems = 0;
    let shown = 0;
    const newest: { seal: Seal | null } = { seal: null };
    const history = createHistory({
      color: io.stdout.isTTY === true && !io.env['NO_COLOR'],
      target: values.table === undefined || values.key === undefined,
      ids: values.ids,
    });
    try {
      const onProblem = (message: string) => {
        problems += 1;
        io.stderr.write(text`rowseal show: ${clean(message)}\n`);
      };
      const records = readRecords(reader, {
        key,
        mayMatch: (bytes) => mayMatch(bytes) || (gaps !== null && mayBeGap(bytes)),
        matches: (value) => matches(value) || gaps?.concerns(value) === true,
        onProblem,
        onSeal: (seal) => {
          newest.seal = seal;
        },
      });
      for await (const record of records) {
        if (shown >= limit || io.signal.aborted) break;
        if (gaps?.took(record)) continue;
        if (shown === 0 && !values.json) io.stdout.write(history.head);
        shown += 1;
        const line = values.json
          ? recordLine(record.bytes, io.stdout.isTTY === true)
          : history.render(record.value);
        if (!io.stdout.write(line)) await drained(io.stdout);
      }
      if (shown === 0 && values.table !== undefined) await refuseUnknown(reader, key, values);
      if (shown === 0 && !values.json) io.stderr.write(nothing(newest.seal, values, keyless));
      // What stands in --json is the records' bytes alone.
      if (gaps !== null && gaps.count() > 0)
        (values.json || shown === 0 ? io.stderr : io.stdout).write(
          gapsLine(gaps.count(), shellWord(location)),
        );
      if (key === null)
        io.stderr.write(
          text`The key that signed is the one that the trail names: pass --vkey to choose it.\n`,
        );
    } finally {
      await reader.close();
    }
    return problems === 0 ? 0 : 1;
  },
};

/** `verify --key` takes the vkey; here that is --vkey, and --key a row's. */
function refuseVkeyAsKey(key: string | undefined): void {
  if (key === undefined || !/^[^+]+\+[0-9a-f]{8}\+|\.vkey$/.test(key)) return;
  throw new RowsealError('usage', `--key is the key of a row; ${key} looks like a vkey.`, {
    hint: 'Give the vkey as --vkey.',
  });
}

function limitOf(text: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Number(text);
  throw usage(`--limit takes a whole number from 1 on, not ${text}`);
}

function drained(stream: Output): Promise<void> {
  return new Promise((resolve) => stream.once('drain', () => resolve()));
}

function usage(message: string): RowsealError {
  return new RowsealError('usage', message, { hint: 'See rowseal show --help.' });
}
