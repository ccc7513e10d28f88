/**
 * Whether and where the stream can go on: a pure decision over what the trail and the server say. The cases are
 * numbered in the order in which they are judged. It must never answer 'go on' where a transaction behind `through` may
 * be missing, unless the operator accepted exactly that; and it compares sets and places, never an error's text.
 */
import { RowsealError } from '../../../base/errors.ts';
import type { Position } from '../../../change/change.ts';
import { incarnationOf } from '../wire/server.ts';
import { type GtidSet, parseGtidSet } from './gtid.ts';
import {
  begunAnew,
  elsewhereInPart,
  endOfLog,
  fileEnd,
  goOn,
  type Opening,
  type OpeningFacts,
  orAccepted,
  unseen,
} from './opening-case.ts';
import { byMariadbPosition } from './opening-mariadb.ts';
import { baseName, EMPTY_LOG, fileNumber, partialSet, placeOf, readFrom } from './place.ts';

/** Throws the error of the case. */
export function decideOpening(opening: OpeningFacts): Opening {
  const { resume, facts } = opening;
  // 1. A new trail begins where the log ends now.
  if (resume.through === null) return { start: endOfLog(opening), gap: null };
  const place = placeOf(resume.through);
  if (place.by === 'file') return byFile(opening, resume.through, place);

  // 2. GTIDs of the other kind of server.
  if (place.flavor !== null && place.flavor !== facts.flavor) {
    return orAccepted(
      opening,
      'source_changed',
      `the server is ${facts.flavor}, not ${place.flavor}`,
      endOfLog,
    );
  }
  // 3. A trail that goes by GTIDs on a server that writes none: nothing can be compared.
  if (!facts.gtids) {
    throw new RowsealError(
      'source_misconfigured',
      `the trail goes by GTIDs, but gtid_mode is ${facts.settings['gtid_mode']}`,
      { hint: 'Set gtid_mode=ON again (online: OFF_PERMISSIVE, ON_PERMISSIVE, ON), or begin a new trail.' },
    );
  }
  return facts.flavor === 'mysql' ? byGtidSet(opening, place.set) : byMariadbPosition(opening, place.set);
}

function byGtidSet(opening: OpeningFacts, set: string): Opening {
  const { resume, state, facts } = opening;
  const through = parseGtidSet(set);
  const executed = parseGtidSet(state.executed ?? '');
  const purged = parseGtidSet(state.purged ?? '');
  const partial = parseGtidSet(partialSet(resume));

  // 4. The trail holds what this server never had: another server, one that lost the end of its log, or a reset.
  const lacking = through.union(partial).subtract(executed);
  if (!lacking.isEmpty) {
    const why = `the server does not know ${brief(lacking)}, which are sealed`;
    return orAccepted(opening, 'source_changed', why, () => {
      const own = lacking.sources.some(({ source }) => source.startsWith(facts.serverUuid ?? ' '));
      if (own && begunAnew(opening)) return EMPTY_LOG;
      const common = through.subtract(through.subtract(executed));
      return common.isEmpty ? endOfLog(opening) : textOf(common.union(purged));
    });
  }

  // 5. The server no longer has what comes behind `through`.
  const missing = purged.subtract(through);
  if (!missing.isEmpty) {
    const why = `the binary logs with ${brief(missing)} were removed`;
    return orAccepted(opening, 'binlog_purged', why, () => textOf(through.union(purged)));
  }
  return elsewhereInPart(opening, () => textOf(through.union(partial))) ?? goOn(opening);
}

function byFile(
  opening: OpeningFacts,
  through: Position,
  place: { readonly file: string; readonly position: number },
): Opening {
  const { resume, facts, state } = opening;
  const toEnd = (why: string) => orAccepted(opening, 'source_changed', why, () => fileEnd(opening));

  // 6. A place in a file says nothing on another server.
  if (resume.incarnation !== null && resume.incarnation !== incarnationOf(facts)) {
    return toEnd(`${incarnationOf(facts)} answers instead of ${resume.incarnation}, and GTIDs are off`);
  }
  const [oldest, newest] = [state.files[0], state.files.at(-1)];
  if (oldest === undefined || newest === undefined) throw unseen();
  const again = readFrom(through);
  const from = again.by === 'file' ? again.file : place.file;
  // 7. The log begins behind it, or was begun anew.
  const found = state.files.find(({ name }) => name === place.file);
  const sameLog = baseName(from) === baseName(oldest.name);
  if (sameLog && fileNumber(from) < fileNumber(oldest.name)) {
    const why = `the binary logs before ${oldest.name} were removed`;
    return orAccepted(opening, 'binlog_purged', why, () =>
      found === undefined ? `${oldest.name}:4` : `${place.file}:${place.position}`,
    );
  }
  if (found === undefined) return toEnd(`there is no ${place.file}: the log was begun anew`);
  // 8. The file ends before it: the server lost the end of its log.
  const size = found === newest ? Math.max(found.size, endIn(opening, found.name)) : found.size;
  if (place.position > size) return toEnd(`${place.file} ends at ${size}, before ${through}`);
  // 9. With gtid_mode ON the server sends no transaction without a GTID, and the log may hold some of before.
  if (opening.refused === true && resume.acceptGap === null && facts.settings['gtid_mode'] === 'ON') {
    throw new RowsealError(
      'source_misconfigured',
      `gtid_mode is ON, and the binary log behind ${through} holds transactions without GTID`,
      {
        hint: 'Set gtid_mode=ON_PERMISSIVE until everything written before the switch is sealed, then ON again.',
      },
    );
  }
  return goOn(opening);
}

function endIn({ end }: OpeningFacts, file: string): number {
  return end?.file === file ? end.position : 0;
}

function textOf(set: GtidSet): Position {
  return set.isEmpty ? EMPTY_LOG : set.text();
}

/** For a sentence. */
function brief(set: GtidSet): string {
  const text = set.text();
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
