/** How `rowseal status` looks: one block a trail, aligned; colour only on a terminal. Pure. */
import type { TrailStatus } from './status-judge.ts';
import { TIERS } from './status-trail.ts';

export interface TableOptions {
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function statusTable(
  found: readonly TrailStatus[],
  now: number,
  { terminal, env }: TableOptions,
): string {
  const colour = terminal && !env['NO_COLOR'];
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const lines: string[] = [];
  for (const each of found) {
    lines.push(`${paint(1, each.trail)}  ${verdict(each, paint)}`);
    for (const [name, text] of rows(each, now)) lines.push(`  ${name.padEnd(11)}  ${text}`);
    for (const text of each.problems) lines.push(`  ${paint(31, 'problem    ')}  ${text}`);
    for (const text of each.unknown) lines.push(`  ${paint(35, 'not asked  ')}  ${text}`);
    lines.push('');
  }
  return lines.join('\n');
}

function verdict({ problems, unknown }: TrailStatus, paint: (code: number, text: string) => string): string {
  if (problems.length > 0) return paint(31, 'not healthy');
  return unknown.length > 0 ? paint(35, 'could not tell') : paint(32, 'healthy');
}

function rows({ head, lag, slot, recent, daemon, listen }: TrailStatus, now: number): [string, string][] {
  const found: [string, string][] = [];
  if (head !== null) {
    const ago = Math.max(0, Math.round((now - Date.parse(head.sealed_at)) / 1000));
    found.push([
      'head',
      `seal ${head.number}, signed, ${head.sealed_at} (${ago} s ago), through ${head.through}`,
    ]);
  }
  if (lag !== null) {
    const bytes = lag.bytes === null ? 'unknown' : size(lag.bytes);
    found.push([
      'lag',
      `${bytes}, ${lag.seconds} s${lag.server === null ? '' : `; the server is at ${lag.server}`}`,
    ]);
  }
  if (slot !== null && slot !== 'unknown') {
    const kept = slot.retainedBytes === null ? '' : `, ${size(slot.retainedBytes)} of log kept for it`;
    found.push([
      'slot',
      `${slot.active ? 'in use' : 'not in use'}, ${slot.walStatus ?? 'no wal status'}${kept}`,
    ]);
  }
  if (recent !== null) {
    const over = `seals ${recent.seals[0]} to ${recent.seals[1]}`;
    const shares = TIERS.filter((tier) => tier !== 'signed' || recent.tiers.signed > 0).map(
      (tier) => `${tier} ${recent.tiers[tier]} (${share(recent.tiers[tier], recent.changes)})`,
    );
    found.push(['attribution', `${recent.changes} changes in ${over}${recent.changes === 0 ? '' : ':'}`]);
    if (recent.changes > 0) found.push(['', shares.join(', ')]);
    const places = recent.gaps.map(({ seal, from, to }) => `${from} to ${to} (seal ${seal})`);
    found.push(['gaps', places.length === 0 ? `0 in ${over}` : places.join(', ')]);
    found.push(['abandoned', `${recent.abandoned} in ${over}`]);
  }
  const word =
    daemon === null
      ? slot !== null && slot !== 'unknown' && slot.active
        ? `does not answer at ${listen}, but somebody streams from the slot: it may run on another host`
        : `does not answer at ${listen}`
      : `${daemon.state}, ${daemon.healthy ? 'healthy' : 'not healthy'}`;
  found.push(['daemon', word]);
  return found;
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
