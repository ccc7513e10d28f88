/**
 * What a watch has to say, told to the handler where no transaction is open. Until it is told, news stays with the
 * watch, which outlives this stream: nothing is lost with it, and nothing is told twice.
 */
import type { ChangeHandler, Observation } from '../change/change.ts';

export interface News {
  /** Tells it, unless a transaction is open or the stream is over. */
  readonly deliver: () => void;
  /** Tells it also where a transaction broke off: no other stream may come. */
  tell(): void;
  /** A transaction begins: what waits goes before it. */
  begin(): void;
  /** It ended. */
  end(): void;
  /** The stream is over. */
  close(): void;
}

export function createNews(
  watch: { news(): readonly Observation[] },
  handler: Pick<ChangeHandler, 'observe'>,
): News {
  let inTransaction = false;
  let over = false;

  const tell = () => {
    for (const observation of watch.news()) handler.observe(observation);
  };
  const deliver = () => {
    if (!inTransaction && !over) tell();
  };

  return {
    deliver,
    tell,
    begin() {
      deliver();
      inTransaction = true;
    },
    end() {
      inTransaction = false;
    },
    close() {
      over = true;
    },
  };
}
