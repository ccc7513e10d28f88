/**
 * What a transaction says of itself, as the messages that the recorder knows (rowseal.context, rowseal.session,
 * rowseal.ddl): rows of our table `rowseal`.`context`, sqlcommenter comments, and DDL. The session's state is sent whole
 * whenever it changed. A message's members are written here, one by one: what an application gave must never pass for what
 * the server knows.
 */
import { type RowImage, TEXT } from '../../../change/change.ts';
import type { Query } from '../events/query.ts';
import type { TableMap } from '../events/table-map.ts';
import { maskedStatement } from '../sql/masking.ts';
import type { Statement } from '../sql/statements.ts';
import { type Logged, targetsOf, UNKNOWN_TARGETS } from '../sql/targets.ts';

export const CONTEXT_SCHEMA = 'rowseal';
export const CONTEXT_TABLE = 'context';
/** Longer ones are not read as JSON: no envelope is (8 KiB), and the recorder counts them as bad. */
const MAX_BODY_BYTES = 64 * 1024;

export interface TransactionMessages {
  /** Another transaction begins. */
  begin(): void;
  /** A row inserted into our table. */
  row(table: TableMap, image: RowImage): void;
  /** The comment of the statement whose changes follow; null where it has none. */
  comment(pairs: string | null): void;
  /** Sends the state where the comment changed it; before each row and each ddl. */
  settle(): void;
  /** Our trigger spoke in this transaction. */
  readonly announced: boolean;
}

export function createTransactionMessages(
  send: (prefix: string, content: Buffer) => void,
): TransactionMessages {
  /** Of our trigger. */
  let session: Record<string, string | number> | null = null;
  let comment: string | null = null;
  let sent: string | null = null;

  const sendSession = (): void => {
    sent = comment;
    // Without our trigger's row nothing but the comment is known: a trigger may still say more.
    const state = session ?? { only: 'comment' };
    send('rowseal.session', Buffer.from(JSON.stringify(comment === null ? state : { ...state, comment })));
  };

  return {
    begin() {
      session = null;
      comment = null;
      sent = null;
    },
    row(table, image) {
      const cell = cellsOf(table, image);
      const login = cell('login');
      const thread = cell('conn_id') ?? '';
      const known = {
        ...(login === null ? {} : { login }),
        ...(/^[0-9]{1,15}$/.test(thread) ? { pid: Number(thread) } : {}),
      };
      if (cell('kind') === 'session') {
        session = { ...known };
        for (const name of ['application', 'actor'] as const) {
          const value = cell(name);
          if (value !== null) session[name] = value;
        }
        sendSession();
        return;
      }
      const server = JSON.stringify(known).slice(1);
      const members = server === '}' ? server : `,${server}`;
      send('rowseal.context', Buffer.from(`{"context":${bodyOf(cell('body'))}${members}`));
    },
    comment(pairs) {
      comment = pairs;
    },
    settle() {
      if (comment !== sent) sendSession();
    },
    get announced() {
      return session !== null;
    },
  };
}

/** JSON text that is certainly one value; null stands for all else. */
function bodyOf(body: string | null): string {
  if (body === null || body.length > MAX_BODY_BYTES) return 'null';
  try {
    JSON.parse(body);
    return body;
  } catch {
    return 'null';
  }
}

/** Reads cells by their column's name; null where there is no such column, or no text in it. */
function cellsOf(table: TableMap, image: RowImage): (name: string) => string | null {
  const { columns } = table.relation;
  return (name) => {
    const index = columns.findIndex((column) => column.name === name);
    if (index < 0 || image.kinds[index] !== TEXT) return null;
    return image.bytes.toString('utf8', image.starts[index], image.ends[index]);
  };
}

/** With the server that logged it. */
export type DdlStatement = Extract<Statement, { kind: 'ddl' }> & Pick<Logged, 'flavor'>;

/**
 * As the kit for Postgres sends it, its statement masked already. Where the text can't be had for certain, nothing of what it
 * says is taken for what it did.
 */
export function ddlMessage(query: Query, statement: DdlStatement): Buffer {
  const { tag, objectType, schema, identity, secret, reading, flavor } = statement;
  const kept = secret || query.text === null ? null : cut(maskedStatement(query.text, query.mode));
  const targets = query.text === null ? UNKNOWN_TARGETS : targetsOf(reading, { ...query, flavor });
  const message = JSON.stringify({
    event: 'ddl',
    tag,
    object_type: objectType,
    schema: cut(schema),
    identity: cut(identity),
    command: kept,
    ...(kept === null ? { statement_dropped: true } : { masked: true }),
    in_extension: false,
  });
  return Buffer.from(`${message.slice(0, -1)},"targets":${targets}}`);
}

/** Characters of a statement that are kept, as of Postgres. */
const MAX_STATEMENT = 8192;

function cut(text: string | null): string | null {
  if (text === null || text.length <= MAX_STATEMENT) return text?.toWellFormed() ?? null;
  return `${text.slice(0, MAX_STATEMENT).toWellFormed()}…`;
}
