/** How `rowseal status` looks: one block a trail, aligned; colour only on a terminal. Pure. */
import { clean, join, type Paint, type Printable, pad, painter, text } from '../../base/text.ts';
import type { Engine, ServerWord } from '../../engines/common/engine.ts';
import { size } from '../../engines/common/size.ts';
import type { TrailStatus } from './judge.ts';
import { TIERS } from './trail.ts';

export interface TableOptions {
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Shown {
  readonly status: TrailStatus;
  /** What the server said, and how that is called; undefined where it could not be asked. */
  readonly server: Pick<ServerWord, 'streaming' | 'from' | 'shown'> | undefined;
  readonly serverSide: Engine['serverSide'];
}

export function statusTable(
  found: readonly Shown[],
  now: number,
  { terminal, env }: TableOptions,
): Printable {
  const paint = painter(terminal && !env['NO_COLOR']);
  const lines: Printable[] = [];
  for (const each of found) {
    const { status } = each;
    lines.push(text`${paint(1, clean(status.trail))}  ${verdict(status, paint)}`);
    for (const [name, said] of rows(each, now)) lines.push(text`  ${pad(clean(name), 11)}  ${clean(said)}`);
    for (const said of status.problems) lines.push(text`  ${paint(31, text`problem    `)}  ${clean(said)}`);
    for (const said of status.unknown) lines.push(text`  ${paint(35, text`not asked  `)}  ${clean(said)}`);
    lines.push(text``);
  }
  return join(lines, text`\n`);
}

function verdict({ problems, unknown }: TrailStatus, paint: Paint): Printable {
  if (problems.length > 0) return paint(31, text`not healthy`);
  return unknown.length > 0 ? paint(35, text`could not tell`) : paint(32, text`healthy`);
}

function rows({ status, server, serverSide }: Shown, now: number): [string, string][] {
  const { head, lag, recent, daemon, listen } = status;
  const found: [string, string][] = [];
  if (head !== null) {
    const ago = Math.max(0, Math.round((now - Date.parse(head.sealed_at)) / 1000));
    found.push([
      'head',
      `seal ${head.number}, signed, ${head.sealed_at} (${ago} s ago), through ${head.through}`,
    ]);
  }
  if (lag !== null) {
    found.push([
      'lag',
      `${behind(lag)}, ${lag.seconds} s${lag.server === null ? '' : `; the server is at ${lag.server}`}`,
    ]);
  }
  if (server !== undefined && server.shown !== null) found.push([serverSide, server.shown]);
  if (recent !== null) {
    const over = `seals ${recent.seals[0]} to ${recent.seals[1]}`;
    const shares = TIERS.filter((tier) => tier !== 'signed' || recent.tiers.signed > 0).map(
      (tier) => `${tier} ${recent.tiers[tier]} (${share(recent.tiers[tier], recent.changes)})`,
    );
    found.push(['attribution', `${recent.changes} changes in ${over}${recent.changes === 0 ? '' : ':'}`]);
    if (recent.changes > 0) found.push(['', shares.join(', ')]);
    const places = recent.gaps.map(
      ({ seal, from, to, reason }) => `${from} to ${to}: ${reason} (seal ${seal})`,
    );
    found.push(['gaps', places.length === 0 ? `0 in ${over}` : places.join(', ')]);
    found.push(['abandoned', `${recent.abandoned} in ${over}`]);
  }
  const word =
    daemon === null
      ? server?.streaming === true
        ? `does not answer at ${listen}, but somebody streams from ${server.from}: it may run on another host`
        : `does not answer at ${listen}`
      : `${daemon.state}, ${daemon.healthy ? 'healthy' : 'not healthy'}`;
  found.push(['daemon', word]);
  return found;
}

function behind({ bytes, transactions }: NonNullable<TrailStatus['lag']>): string {
  if (bytes !== null) return size(bytes);
  return transactions === undefined ? 'unknown' : `${transactions} transactions`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}
