/**
 * As much of psql as the guides use: `psql [-U USER] [-d DATABASE | DATABASE] -c SQL`, with libpq's variables
 * (PGHOST, PGPASSWORD, PGOPTIONS, PGAPPNAME), so that their commands run where no psql is installed.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    user: { type: 'string', short: 'U' },
    database: { type: 'string', short: 'd' },
    command: { type: 'string', short: 'c' },
  },
});
const { user = process.env['PGUSER'], database = positionals[0] ?? user, command = '' } = values;
const client = new pg.Client({
  application_name: process.env['PGAPPNAME'] ?? 'psql',
  ...(user === undefined ? {} : { user }),
  ...(database === undefined ? {} : { database }),
});
await client.connect();
await client.query(command);
await client.end();
