/**
 * The oracle for MySQL's and MariaDB's values: what JSON the server's text of a column must have become by FORMAT.md section
 * 12 (Values). Written from the design; it shares nothing with src.
 */
import type { MysqlFlavor } from '../../src/embedded/mysql-packages.ts';
import { plain, type Render, type Rendered, renderJson } from './shadow-values.ts';

/** `type` is information_schema.COLUMNS.COLUMN_TYPE, `text` what the shadow log holds (mysql-shadow.ts, exactText). */
export function renderMysql(flavor: MysqlFlavor): Render {
  return (type, text) => {
    const base = /^\w+/.exec(type)?.[0] ?? '';
    switch (base) {
      case 'tinyint':
      case 'smallint':
      case 'mediumint':
      case 'int':
        return plain(text);
      case 'year':
        return plain(String(Number(text)));
      case 'float':
        return plain(shortest(Number(text), (value) => Math.fround(value)));
      case 'double':
        return plain(shortest(Number(text), (value) => value));
      case 'timestamp':
        return string(timestampOf(type, text));
      case 'json':
        return flavor === 'mysql' ? renderJson(text) : string(text);
      default:
        // Of MariaDB's UUID and INET types the binary log says no more than that they are BINARY: bytes as they are stored,
        // and so are random UUIDs.
        return string(text);
    }
  };
}

const string = (text: string): Rendered => plain(JSON.stringify(text));

/** The fewest digits that `round` takes back to the same value, as JavaScript writes them. */
function shortest(value: number, round: (value: number) => number): string {
  if (Object.is(value, -0)) return '-0';
  for (let digits = 1; digits < 17; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (round(shorter) === value) return String(shorter);
  }
  return String(value);
}

/** Seconds since 1970, with the declared fraction; 0 is the zero date. */
function timestampOf(type: string, text: string): string {
  const [seconds = '', fraction] = text.split('.');
  const digits = Number(/\((\d)\)/.exec(type)?.[1] ?? 0);
  const tail = digits === 0 ? '' : `.${(fraction ?? '').padEnd(digits, '0')}`;
  if (/^[0.]*$/.test(text)) return `0000-00-00 00:00:00${tail}`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')}${tail}+00`;
}
