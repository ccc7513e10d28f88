/**
 * What of one transaction is understood but can't be told as rows: collected while it is delivered, handed over right
 * before its commit, once for each reason and object, with how often. Never a statement's text.
 */
import type { ChangeHandler, Position } from '../../../change/change.ts';

export interface Gaps {
  /** `details` must be the same for what is the same. */
  add(reason: string, details?: Readonly<Record<string, unknown>>): void;
  /** The transaction is at its end: hands over what was collected, and forgets it. */
  tell(from: Position, to: Position, transaction: { readonly id: string; readonly position: Position }): void;
  forget(): void;
}

/** Different ones of a transaction; more are counted together. */
const MAX_DIFFERENT = 100;

export function createGaps(handler: Pick<ChangeHandler, 'observe'>): Gaps {
  const found = new Map<
    string,
    { reason: string; details: Readonly<Record<string, unknown>>; count: number }
  >();
  return {
    add(reason, details = {}) {
      let key = JSON.stringify([reason, details]);
      let known = found.get(key);
      if (known === undefined && found.size >= MAX_DIFFERENT) {
        key = 'others';
        known = found.get(key);
      }
      if (known !== undefined) known.count++;
      else if (key === 'others') found.set(key, { reason: 'others', details: {}, count: 1 });
      else found.set(key, { reason, details, count: 1 });
    },
    tell(from, to, transaction) {
      for (const { reason, details, count } of found.values()) {
        handler.observe({
          kind: 'gap',
          within: true,
          from,
          to,
          reason,
          details: { ...details, count, transaction },
        });
      }
      found.clear();
    },
    forget: () => found.clear(),
  };
}
