/**
 * A position taken apart: GTIDs of which kind of server, or a place in a file. For judging and for metrics; what was
 * delivered up to it is position.ts's.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { Position } from '../../../change/change.ts';
import type { Resume } from '../../source.ts';

/** The start of a trail on a server whose log knows no transaction: not the origin, at which no trail has started. */
export const EMPTY_LOG = 'empty';

export type Place = { readonly by: 'file'; readonly file: string; readonly position: number } | GtidPlace;
interface GtidPlace {
  readonly by: 'gtid';
  readonly flavor: 'mysql' | 'mariadb' | null;
  readonly set: string;
}

const MYSQL_SET = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}:/i;
const MARIADB_SET = /^\d+-\d+-\d+(,\d+-\d+-\d+)*$/;
const FILE = /^([^:;,]+\.\d+):(\d{1,19})$/;

/** What a position is, without what waits for its verdict (`;xa=`, position.ts). Throws `trail_invalid`. */
export function placeOf(position: Position): Place {
  const text = position.split(';')[0]?.replaceAll(/\s/g, '') ?? '';
  if (text === EMPTY_LOG) return { by: 'gtid', flavor: null, set: '' };
  if (MYSQL_SET.test(text)) return { by: 'gtid', flavor: 'mysql', set: text.toLowerCase() };
  if (MARIADB_SET.test(text)) return { by: 'gtid', flavor: 'mariadb', set: text };
  const file = FILE.exec(text);
  if (file !== null) return { by: 'file', file: file[1] ?? '', position: Number(file[2]) };
  throw new RowsealError(
    'trail_invalid',
    `the trail's position ${position} is neither GTIDs nor a place in a file`,
  );
}

/** From where the stream must be read again, which lies behind `through` while a prepared transaction waits. */
export function readFrom(position: Position): Place {
  return placeOf(position.split(';xa=')[1] ?? position);
}

/** A transaction that is sealed in part was read here once. */
export function partialSet({ partial }: Resume): string {
  if (partial == null) return '';
  const place = placeOf(partial);
  return place.by === 'gtid' ? place.set : '';
}

/** `binlog.000003` is the third; numbers grow beyond six digits. */
export function fileNumber(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1));
}

export function baseName(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}

/** Operators may copy a position with line breaks, or in capitals. */
export function normal(position: Position): string {
  return position.replaceAll(/\s/g, '').toLowerCase();
}
