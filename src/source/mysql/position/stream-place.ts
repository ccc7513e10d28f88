/**
 * Where in the binlog's files the decoder is, by what the events say. Outside of transactions that is progress of its own
 * (the position of streams without GTIDs). It must never go back, since a position that went back has what lies behind it
 * delivered again.
 */
import type { Position } from '../../../change/change.ts';
import type { EventHeader } from '../events/events.ts';
import type { Delivered, FilePlace } from './position.ts';

export interface StreamPlace {
  /** Behind the event that was read last. */
  now(): FilePlace;
  /** An event of the file came. */
  read(header: EventHeader): void;
  /** A ROTATE came; `artificial`: made by the dump thread. */
  rotate(to: FilePlace, artificial: boolean): void;
  /** No transaction is open: everything up to here is delivered. */
  passed(): void;
}

export function createStreamPlace(parts: {
  readonly delivered: Pick<Delivered, 'passed' | 'text'>;
  readonly quiet: (position: Position) => void;
}): StreamPlace {
  const { delivered, quiet } = parts;
  let place: FilePlace = { file: '', position: 4 };

  const passed = (): void => {
    delivered.passed(place);
    quiet(delivered.text());
  };

  return {
    now: () => place,
    read({ endPosition, artificial }) {
      if (endPosition > 0 && !artificial) place = advanced(place, endPosition);
    },
    rotate(to, artificial) {
      // The dump thread's own says which file comes; where we stand in it we know better.
      if (artificial && to.file === place.file) return;
      const first = place.file === '';
      place = to;
      if (!first) passed();
    },
    passed,
  };
}

/** Headers have 32 bits of the position; files with a large transaction at their end are longer. Never back. */
function advanced({ file, position }: FilePlace, low: number): FilePlace {
  const next = position - (position % 2 ** 32) + low;
  if (next >= position) return { file, position: next };
  return { file, position: position - next > 2 ** 31 ? next + 2 ** 32 : position };
}
