/**
 * The configuration: its only truth. config.example.yaml is rendered from the descriptions and examples here
 * (`npm run docs`). Unknown members are refused by load.ts with the nearest known name.
 */
import { z } from 'zod';
import { MAX_NAME_BYTES } from '../trail/names.ts';
import { parseBytes, parseDurationMs } from './units.ts';

const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms !== undefined) return ms;
      context.addIssue(`"${text}" is no duration: a whole number and one of ms, s, m, h, d, such as 5s`);
      return z.NEVER;
    });

const size = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const bytes = parseBytes(text);
      if (bytes !== undefined) return bytes;
      context.addIssue(
        `"${text}" is no size: a whole number and one of B, KiB, MiB, GiB, KB, MB, GB, such as 16MiB`,
      );
      return z.NEVER;
    });

const retention = z
  .string()
  .regex(/^[1-9][0-9]{0,4}[dy]$/, 'a retention is days or calendar years, such as 400d or 7y');

const className = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, 'a class is 1 to 32 of a-z, 0-9 and -')
  .refine((name) => name !== 'trail', 'the class "trail" is kept for the trail’s own records');

const trailName = z
  .string()
  .max(MAX_NAME_BYTES, `a name has at most ${MAX_NAME_BYTES} bytes`)
  .regex(/^[a-z0-9.-]+(\/[a-z0-9.-]+)*$/, 'a name is a URL without scheme, such as audit.example.com/orders')
  .refine(
    (name) =>
      name
        .split('/')
        .every(
          (part) =>
            !/^\.+$/.test(part) &&
            !['seals', 'segments', 'timestamps', 'cosignatures', 'bundles'].includes(part),
        ),
    'no part of a name may be only dots, or seals, segments, timestamps, cosignatures or bundles',
  );

const fileStore = z.strictObject({
  type: z.literal('file'),
  path: z.string().meta({ description: 'Folder that holds one folder per trail.', example: './trails' }),
});

const s3Store = z.strictObject({
  type: z.literal('s3'),
  bucket: z.string().meta({
    description: 'A bucket made with Object Lock. Credentials come from the AWS default chain.',
    example: 'my-audit',
  }),
  prefix: z.string().default('').describe('Put before every key, for a bucket that is shared.'),
  region: z.string().optional().meta({ description: 'AWS region.', example: 'eu-central-1' }),
  endpoint: z
    .string()
    .optional()
    .meta({ description: 'URL of an S3 server other than AWS.', example: 'https://s3.example.com' }),
  force_path_style: z.boolean().default(false).describe('Bucket in the path, not in the host name.'),
  lock: z
    .literal('compliance')
    .default('compliance')
    .describe('The retention mode; nobody can shorten compliance.'),
});

const redactions = z.record(z.string(), z.enum(['drop', 'mask', 'hmac'])).default({});

const table = z.strictObject({
  match: z.string().meta({
    description:
      'schema.table with * and ?; a partition matches by its own name or an ancestor’s. The last match wins as a whole: repeat in it what a general entry asks (class, columns, context_trigger, replica_identity).',
    example: 'public.*',
  }),
  exclude: z
    .boolean()
    .default(false)
    .describe('Leave these tables out of the trail (sealed in the lifecycle record).'),
  class: className.default('default').describe('Retention class of their records.'),
  columns: redactions.meta({
    description:
      'Redaction: drop (absent), mask (null), hmac (comparable, not readable). The columns have to be there, or the trail stops (redaction_unmatched).',
    example: { card_number: 'mask', notes: 'drop' },
  }),
  former_columns: redactions.meta({
    description:
      'The same for names that columns had earlier, or will have: redacted where they are there, missed nowhere.',
    example: { card_no: 'mask' },
  }),
  context_trigger: z
    .boolean()
    .default(false)
    .describe(
      'setup installs our triggers: login and session context. Postgres: about 35 µs and 400 B of WAL a transaction; MySQL and MariaDB: 12 to 19 µs a statement, and 2 to 4 µs each row.',
    ),
  replica_identity: z
    .enum(['keep', 'full'])
    .default('keep')
    .describe(
      'Postgres. full: setup sets REPLICA IDENTITY FULL: old values of every update and delete, for more WAL. (MySQL and MariaDB send them by binlog_row_image = FULL.)',
    ),
});

const postgresSource = z.strictObject({
  type: z.literal('postgres'),
  url: z.string().meta({
    description:
      'A least-privilege login (setup makes it); sslmode (default verify-full) and sslrootcert as libpq names them.',
    example: 'postgres://rowseal@db.example.com:5432/orders?sslmode=verify-full',
  }),
  password_file: z.string().optional().meta({
    description: 'File with the password; or PGPASSWORD, or a variable of the environment in the URL.',
    example: './orders.password',
  }),
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/)
    .default('rowseal')
    .describe('Replication slot, of this trail alone.'),
  publication: z.string().min(1).max(63).default('rowseal').describe('Publication that setup keeps.'),
  plugin: z.literal('pgoutput').default('pgoutput').describe('Output plugin.'),
  failover: z.boolean().default(false).describe('Postgres 17+: the slot follows to a standby.'),
  heartbeat: duration('30s').describe(
    'A transactional message when nothing came for this long, so that the slot moves on.',
  ),
  accept_unbounded_wal: z
    .boolean()
    .default(false)
    .describe(
      'Accept max_slot_wal_keep_size = -1: an outage of rowseal may then fill the disk of the server.',
    ),
});

const mysqlSource = z.strictObject({
  type: z.enum(['mysql', 'mariadb']).meta({ description: 'mysql or mariadb.', example: 'mysql' }),
  url: z.string().meta({
    description:
      'A least-privilege login (setup makes it); ssl-mode (default VERIFY_IDENTITY) and ssl-ca as the mysql client names them.',
    example: 'mysql://rowseal@db.example.com:3306/?ssl-ca=/etc/ssl/db-ca.pem',
  }),
  password_file: z.string().optional().meta({
    description: 'File with the password; or MYSQL_PWD, or a variable of the environment in the URL.',
    example: './orders.password',
  }),
  server_id: z.int().min(1).max(4_294_967_295).meta({
    description:
      'The number that this trail is known by among the replicas of the server: one that no server and no replica has, or both lose their connection again and again.',
    example: 4242,
  }),
  heartbeat: duration('10s')
    .refine((ms) => ms >= 1000 && ms <= 3_600_000, 'heartbeat lies between 1s and 1h')
    .describe('How often the server says that it has nothing to say; silence of several counts as gone.'),
  longest_outage: duration('2d').describe(
    'The longest outage of rowseal that the server has to keep its binlogs for: doctor fails where it keeps them shorter, and warns below four times that, or 7 days.',
  ),
  context_accounts: z
    .array(
      z
        .string()
        .regex(
          /^[^'`"@\\]{1,32}@[^'`"@\\]{1,255}$/,
          'an account is user@host, such as app@% or app@10.0.0.4',
        ),
    )
    .default([])
    .meta({
      description: 'Accounts that setup lets call rowseal.set_context.',
      example: ['app@%'],
    }),
});

const actorRule = z
  .strictObject({
    login: z.string().optional().describe('Database login, with * and ?.'),
    application: z.string().optional().describe('application_name, with * and ?.'),
    actor: z.strictObject({ type: z.enum(['user', 'service', 'system']), id: z.string().min(1).max(200) }),
  })
  .refine(
    (rule) => rule.login !== undefined || rule.application !== undefined,
    'a rule needs login or application',
  );

const trail = z.strictObject({
  name: trailName.meta({
    description: 'A URL without scheme; the name of the key too. Never reuse one.',
    example: 'audit.example.com/orders',
  }),
  source: z.discriminatedUnion('type', [postgresSource, mysqlSource]),
  tables: z.array(table).min(1).describe('What is captured, and how.'),
});

export const configSchema = z.strictObject({
  store: z.discriminatedUnion('type', [fileStore, s3Store]).describe('Where trails lie.'),
  signer: z
    .strictObject({
      type: z.literal('file'),
      path: z
        .string()
        .meta({ description: 'Key file made by rowseal keygen, mode 0600.', example: './log.key' }),
    })
    .describe('What signs the seals.'),
  seal: z
    .strictObject({
      max_age: duration('5s').describe('A change is sealed at most this long after it arrived.'),
      max_bytes: size('16MiB')
        .refine((bytes) => bytes >= 1024 && bytes <= 48 * 1024 ** 2, 'max_bytes lies between 1KiB and 48MiB')
        .describe('Plain bytes after which a seal is cut.'),
      max_records: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(50_000)
        .describe('Records after which a seal is cut.'),
      idle: duration('60s').describe('With nothing to seal, an empty seal says so at least this often.'),
    })
    .prefault({})
    .describe('When a seal is cut.'),
  retention: z
    .strictObject({
      default: retention.default('400d').describe('Class default, and every class not named below.'),
      classes: z
        .record(className, retention)
        .default({})
        .meta({ description: 'Other classes. y is calendar years.', example: { financial: '7y' } }),
    })
    .prefault({})
    .describe('How long the lock holds each class.'),
  redaction: z
    .strictObject({
      hmac_key_file: z
        .string()
        .optional()
        .meta({ description: 'File with at least 32 bytes of key for hmac columns.', example: './hmac.key' }),
      hmac_key_id: z
        .string()
        .regex(/^[a-z0-9-]{1,32}$/)
        .default('k1')
        .describe('Written beside each hmac.'),
      max_value_bytes: size('1MiB').describe('A longer value is recorded as its SHA-256 and length.'),
    })
    .prefault({})
    .describe('What never reaches the trail as it was.'),
  actors: z
    .array(actorRule)
    .default([])
    .meta({
      description: 'Maps logins and application names to actors. The last match wins.',
      example: [{ login: 'cron_*', actor: { type: 'system', id: 'cron' } }],
    }),
  spool: z
    .strictObject({
      path: z
        .string()
        .default('./spool')
        .describe(
          'Folder for rows that wait for their context (redacted), and for prepared XA transactions (encrypted with a key that dies with the daemon). Files without a name; nothing in it is worth a backup.',
        ),
      max_memory: size('8MiB').describe('Waiting rows kept in memory.'),
      max_bytes: size('1GiB').describe(
        'Waiting rows in the file, and prepared XA transactions in theirs; when it is full the trail stops, loudly.',
      ),
    })
    .prefault({})
    .describe('Where rows wait for their context, and prepared XA transactions for their verdict.'),
  trails: z.array(trail).min(1).describe('One per database.'),
  metrics: z
    .strictObject({
      listen: z
        .string()
        .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'host:port, such as 127.0.0.1:9464')
        .default('127.0.0.1:9464')
        .describe('Prometheus at /metrics, health at /healthz.'),
      stale_after: duration('120s').describe('/healthz fails when nothing was sealed for this long.'),
    })
    .prefault({})
    .describe('Where the daemon answers.'),
});

export type Config = z.output<typeof configSchema>;
export type TrailConfig = Config['trails'][number];
export type StoreConfig = Config['store'];
export type PostgresSourceConfig = Extract<TrailConfig['source'], { type: 'postgres' }>;
export type MysqlSourceConfig = Extract<TrailConfig['source'], { type: 'mysql' | 'mariadb' }>;
