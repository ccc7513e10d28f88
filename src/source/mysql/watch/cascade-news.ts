/**
 * Foreign keys whose cascades change rows that the server does not log: each is told once, where the configuration covers
 * the table that it changes. Where settings say that cascades are logged, those of a table that a change came of without.
 */
import type { Observation } from '../../../change/change.ts';
import { cascadeObservation, cascadesFrom } from '../preflight/foreign-keys.ts';
import type { OfTable } from './coverage.ts';
import type { Definitions } from './definitions.ts';

export interface CascadeNews {
  /** A change of this table was logged without what its foreign keys made of it. */
  unlogged(schema: string, table: string): void;
  /** What nobody was told yet of those that there are: it counts as told. */
  of(definitions: Definitions): Observation[];
}

export function createCascadeNews(covers: OfTable): CascadeNews {
  const told = new Set<string>();
  /** `schema.table` of those with a change whose cascades were not logged. */
  const parents = new Set<string>();

  return {
    unlogged(schema, table) {
      parents.add(`${schema}.${table}`);
    },
    of({ cascades, logged, foldsNames }) {
      const news: Observation[] = [];
      for (const cascade of logged ? cascadesFrom(parents, cascades) : cascades) {
        if (!covers(cascade.schema, cascade.table, foldsNames)) continue;
        const key = JSON.stringify(cascade);
        if (!told.has(key)) news.push(cascadeObservation(cascade));
        told.add(key);
      }
      return news;
    },
  };
}
