/**
 * The oracle for values: what JSON a column's text must have become by FORMAT.md section 12. Written
 * from the design, for the shadow log's texts and the types' catalog rows; it shares nothing with src/change. The types
 * are Postgres'; those of MySQL and MariaDB are in mysql-shadow-values.ts.
 */
import { createHash, createHmac } from 'node:crypto';
import { type Exact, isIJson, parseExact } from './exact-json.ts';
import type { TypeRow } from './shadow.ts';

export interface Redactions {
  readonly columns: Readonly<Record<string, 'mask' | 'hmac' | 'drop'>>;
  readonly hmacKey: Buffer;
  readonly hmacKeyId: string;
  readonly maxValueBytes: number;
}

export interface ExpectedValue {
  readonly value: Exact;
  /** What stands under `encoded` for it; null: nothing. */
  readonly encoded: string | null;
}

const MOST_LEVELS = 64;

/** Null where the column is dropped. */
export function expectedValue(
  column: string,
  type: string,
  text: string | null,
  render: Render,
  redactions: Redactions,
): ExpectedValue | null {
  const redaction = redactions.columns[column];
  if (redaction === 'drop') return null;
  if (redaction === 'mask') return { value: null, encoded: 'mask' };
  if (redaction === 'hmac') {
    const json = text === null ? 'null' : render(type, text).json;
    const digest = createHmac('sha256', redactions.hmacKey).update(json).digest('base64');
    return { value: `${redactions.hmacKeyId}:${digest}`, encoded: 'hmac' };
  }
  if (text === null) return { value: null, encoded: null };
  const size = Buffer.byteLength(text);
  if (size > redactions.maxValueBytes) {
    return { value: `${createHash('sha256').update(text).digest('hex')}:${size}`, encoded: 'sha256' };
  }
  const { json, encoded } = render(type, text);
  return { value: parseExact(json), encoded };
}

export interface Rendered {
  readonly json: string;
  readonly encoded: string | null;
}

/** The JSON of a type's text that is not redacted. */
export type Render = (type: string, text: string) => Rendered;

/** Postgres' types. */
export function renderPostgres(types: ReadonlyMap<string, TypeRow>): Render {
  return (type, text) => jsonOf(type, text, types);
}

function jsonOf(oid: string, text: string, types: ReadonlyMap<string, TypeRow>): Rendered {
  const type = types.get(oid);
  if (type === undefined) return plain(JSON.stringify(text));
  if (type.kind === 'd') return jsonOf(type.base, text, types);
  switch (type.name) {
    case 'bool':
      return plain(text === 't' ? 'true' : 'false');
    case 'int2':
    case 'int4':
    case 'oid':
      return plain(text);
    case 'float4':
    case 'float8':
      return plain(/^(NaN|-?Infinity)$/.test(text) ? `"${text}"` : text);
    case 'json':
    case 'jsonb':
      return renderJson(text);
    case 'int2vector':
    case 'oidvector':
      return plain(JSON.stringify(text));
    default:
  }
  if (type.category !== 'A' || text.startsWith('[')) return plain(JSON.stringify(text));
  const delimiter = types.get(type.element)?.delimiter ?? ',';
  const items: Rendered[] = [];
  const json = arrayOf(text, delimiter, (item) => {
    const rendered = jsonOf(type.element, item, types);
    items.push(rendered);
    return rendered.json;
  });
  const odd = items.find(({ encoded }) => encoded !== null);
  if (odd === undefined) return plain(json);
  return { json: JSON.stringify(text), encoded: odd === JSON_NULL ? null : 'json' };
}

/** What isn't I-JSON stays text; JSON's null is told from SQL's. */
export function renderJson(text: string): Rendered {
  if (text.trim() === 'null') return JSON_NULL;
  return isIJson(text, MOST_LEVELS)
    ? plain(text.replace(/[\r\n]/g, ' '))
    : { json: JSON.stringify(text), encoded: 'json' };
}

const JSON_NULL: Rendered = { json: '"null"', encoded: 'json' };

export const plain = (json: string): Rendered => ({ json, encoded: null });

/** PostgreSQL manual, Arrays, Array Input and Output Syntax. */
function arrayOf(text: string, delimiter: string, element: (item: string) => string): string {
  let at = 0;
  const list = (): string => {
    const items: string[] = [];
    at++; // the brace
    while (text[at] !== '}') {
      if (text[at] === delimiter) at++;
      if (text[at] === '{') items.push(list());
      else if (text[at] === '"') items.push(element(quoted()));
      else {
        const from = at;
        while (text[at] !== delimiter && text[at] !== '}') at++;
        const item = text.slice(from, at);
        items.push(item === 'NULL' ? 'null' : element(item));
      }
    }
    at++;
    return `[${items.join(',')}]`;
  };
  const quoted = (): string => {
    let item = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      item += text[at];
    }
    at++;
    return item;
  };
  const json = list();
  if (at !== text.length) throw new Error(`the oracle does not understand the array ${text}`);
  return json;
}
