/**
 * Rows in the form `row/1` (FORMAT.md section 13): the row text and the key text of a row as the trail has it. What a record
 * writes in another way than it is (`encoded`) says so in the texts, and what is masked is not in them. It must never
 * guess: a kind that is not known, a value that does not look as its kind says, a column twice are refused.
 */
import { decodeBase64, decodeHash } from '../base64.ts';
import { refusal } from '../refuse.ts';
import { JsonRefusal } from '../strict-json.ts';
import {
  canonicalJson,
  canonicalMembers,
  compareUtf8,
  type Member,
  objectOf,
  stringOf,
} from './canonical-json.ts';

/** Kinds of `encoded` that stand in row texts (FORMAT.md section 12). */
const KINDS = ['hmac', 'sha256', 'bytes', 'json', 'sealed'] as const;
export type RowKind = (typeof KINDS)[number];

/** A column's value. */
export interface Cell extends Member {
  /** What `encoded` says of it; null: it is itself. */
  readonly kind: RowKind | null;
}

/** A row's columns, without masked ones, in the order of their names' UTF-8 bytes. */
export type Row = readonly Cell[];

export interface RowTexts {
  readonly row: Buffer;
  readonly key: Buffer;
}

/**
 * A row from the bytes of its JSON object; `encoded` says which columns have which kind. Throws refusals `row_json`,
 * `row_encoded`.
 */
export function parseRow(bytes: Buffer, encoded: ReadonlyMap<string, string> = NONE): Row {
  const members = strictly(() => canonicalMembers(bytes));
  let found = 0;
  const cells: Cell[] = [];
  for (const member of members) {
    const kind = encoded.get(member.name);
    if (kind !== undefined) found += 1;
    const cell = kind === undefined ? { ...member, kind: null } : encodedCell(member, kind);
    if (cell !== null) cells.push(cell);
  }
  if (found < encoded.size) throw refusal('row_encoded', 'encoded names a column that is not in the row');
  return cells;
}

/** One column from the bytes of its JSON value; null where it is masked. Throws as `parseRow`. */
export function parseCell(name: string, bytes: Buffer, kind: string | null = null): Cell | null {
  const value = strictly(() => canonicalJson(bytes));
  return kind === null ? { name, value, kind } : encodedCell({ name, value }, kind);
}

/** A row from columns in any order. Throws a refusal `row_columns` where one is there twice. */
export function rowOf(cells: Iterable<Cell>): Row {
  const row = [...cells].sort((a, b) => compareUtf8(a.name, b.name));
  const twice = row.find(({ name }, i) => name === row[i + 1]?.name);
  if (twice !== undefined) throw refusal('row_columns', `column ${twice.name} is there twice`);
  return row;
}

/** The texts of a row; `key` names the key's columns, and those that are not in the row are none. */
export function rowTexts(row: Row, key: ReadonlySet<string>): RowTexts {
  const text = textOf(row);
  const inKey = row.filter(({ name }) => key.has(name));
  return { row: text, key: inKey.length === 0 ? text : textOf(inKey) };
}

function textOf(cells: readonly Cell[]): Buffer {
  const text = objectOf(cells);
  const kinds = cells.flatMap(({ name, kind }) => (kind === null ? [] : [{ name, value: `"${kind}"` }]));
  return Buffer.from(kinds.length === 0 ? text : `${text}\n${objectOf(kinds)}`, 'latin1');
}

const NONE: ReadonlyMap<string, string> = new Map();
const SHAPES: Readonly<Record<Exclude<RowKind, 'sealed'>, RegExp>> = {
  hmac: /^"[^:]+:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="$/,
  sha256: /^"[0-9a-f]{64}:(?:0|[1-9][0-9]*)"$/,
  bytes: /^"\\\\x(?:[0-9a-f]{2})*"$/,
  json: /^"/,
};
const SEALED = /^"([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9+/=]{44})\.([A-Za-z0-9+/=]+)"$/;
/** Nonce, at least one byte, tag. */
const MIN_CIPHERTEXT_BYTES = 12 + 1 + 16;

/** A cell of that kind, as it stands in the texts; null where it is masked. */
function encodedCell({ name, value }: Member, kind: string): Cell | null {
  if (kind === 'mask') {
    if (value !== 'null') throw unlike(name, kind);
    return null;
  }
  const known = KINDS.find((each) => each === kind);
  if (known === undefined)
    throw refusal('row_encoded', `column ${name} is of a kind that is not known: ${kind}`);
  if (known === 'sealed') return { name, value: sealedDigest(name, value), kind: known };
  if (!SHAPES[known].test(value)) throw unlike(name, kind);
  return { name, value, kind: known };
}

/** What of a sealed value outlives its key: the key's id and the digest. */
function sealedDigest(name: string, value: string): string {
  const [, keyId, digest, ciphertext] = SEALED.exec(value) ?? [];
  if (digest === undefined || decodeHash(digest) === null) throw unlike(name, 'sealed');
  if ((decodeBase64(ciphertext!)?.length ?? 0) < MIN_CIPHERTEXT_BYTES) throw unlike(name, 'sealed');
  return stringOf(`${keyId}.${digest}`);
}

function strictly<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    throw refusal('row_json', `the row's JSON is refused: ${error.message} at byte ${error.at}`);
  }
}

function unlike(name: string, kind: string): Error {
  return refusal('row_encoded', `column ${name} does not look like ${kind}`);
}
