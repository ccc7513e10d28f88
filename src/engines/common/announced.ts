/** What a daemon says when it has looked at the server for the first time: it is ready, with so many tables. Any engine's. */
import type { Log } from '../../base/log.ts';
import type { Observation } from '../../change/change.ts';

/** The watch, whose first look is logged too: how many tables are captured. Left out where they can't be seen. */
export function announced<Watch extends { news(): readonly Observation[] }>(watch: Watch, log: Log): Watch {
  return {
    ...watch,
    news() {
      const news = watch.news();
      for (const each of news) {
        if (each.kind !== 'lifecycle' || each.event !== 'capture') continue;
        const { tables_published, tables_matched, problems } = each.details;
        const tables = tables_published ?? tables_matched ?? undefined;
        log.info({ tables, problems: (problems as readonly unknown[]).length }, 'tables are captured');
      }
      return news;
    },
  };
}
