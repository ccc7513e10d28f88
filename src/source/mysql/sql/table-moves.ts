/**
 * What a statement did to the names of tables and columns, out of what was read of it. The binlog says which table a row is
 * of, and which column a cell, by names alone, so only these statements tell. Pure.
 */
import type { TableMove } from '../../../change/change.ts';
import type { Deed } from './deeds.ts';

export type Move = Omit<TableMove, 'foldsNames'>;

/** In the order in which they take effect; empty where the statement moves nothing. */
export function movesOf(deeds: readonly Deed[]): Move[] {
  return deeds.flatMap((deed): Move[] => {
    const { kind, schema, name, effects, becomes, columns = [], gone: dropped = [] } = deed;
    const gone = effects.includes('drops');
    if (kind === 'schema') return gone ? [{ schema: name, table: null, to: null, columns: [] }] : [];
    const moves = gone || becomes !== undefined || columns.length > 0 || dropped.length > 0;
    if (kind !== 'table' || !moves) return [];
    const to = becomes ?? { schema, name };
    return [
      {
        schema: schema ?? '',
        table: name,
        to: gone ? null : { schema: to.schema ?? '', table: to.name },
        columns: gone ? [] : columns,
        ...(gone || dropped.length === 0 ? {} : { gone: dropped }),
      },
    ];
  });
}
