/**
 * Renders a verdict for people. What it says of trust and of its limits is part of the verdict: it must never
 * print a clean result without saying by which key, how much was read, and what cannot be seen offline.
 */
import { clean, join, type Printable, pad, painter, text } from '../base/text.ts';
import type { Finding } from './findings/findings.ts';
import type { Verdict } from './verdict.ts';

/** 0 good, 1 the answer is bad, 2 could not check. */
export function exitStatus(verdict: Verdict, strict: boolean): 0 | 1 | 2 {
  if (verdict.counts.findings > 0) return 1;
  if (strict && verdict.counts.notices > 0) return 1;
  return verdict.counts.unchecked > 0 ? 2 : 0;
}

export interface RenderOptions {
  readonly strict: boolean;
  readonly color: boolean;
  /** Which program came to the verdict, so that it can be cited. */
  readonly verifier?: string;
}

export function renderVerdict(verdict: Verdict, { strict, color, verifier }: RenderOptions): Printable {
  const paint = painter(color);
  const lines: Printable[] = [];
  const { counts } = verdict;
  // Where no seal is signed by the key, one finding says so for all of them.
  const told = verdict.trust.signers.length === 0 ? verdict.findings : verdict.findings.filter(isOwn);
  const untold = verdict.findings.length - told.length;
  section(lines, paint(31, text`FINDING`), told, counts.findings - untold);
  section(lines, paint(33, text`UNCHECKED`), verdict.unchecked, counts.unchecked);
  section(lines, paint(36, text`NOTICE`), verdict.notices, counts.notices);
  if (lines.length > 0) lines.push(text``);
  const rows = [
    ['trail', verdict.trail ?? '-'],
    ['at', verdict.location],
    ['key', trustText(verdict)],
    ['head', headText(verdict)],
    ['checked', checkedText(verdict)],
    ['not checked', limitsText(verdict)],
    ...(verifier === undefined ? [] : [['verifier', verifier] as const]),
  ] as const;
  for (const [name, said] of rows) lines.push(text`${pad(clean(name), 12)} ${clean(said)}`);
  const status = exitStatus(verdict, strict);
  const word = { 0: paint(32, text`OK`), 1: paint(31, text`NOT OK`), 2: paint(33, text`COULD NOT CHECK`) }[
    status
  ];
  const rest =
    untold === 0 ? text`` : text` ${untold} of them say the same of one seal each: --json lists them.`;
  lines.push(text``, text`${word}: ${clean(summary(verdict, status, strict))}${rest}`);
  return text`${join(lines, text`\n`)}\n`;
}

/** Whether it says more than that a seal is not signed by the key. */
function isOwn({ code }: Finding): boolean {
  return code !== 'signature_missing';
}

function section(lines: Printable[], title: Printable, list: readonly Finding[], count: number): void {
  for (const { code, object, leaf, message } of list) {
    const place = leaf === undefined ? object : `${object} record ${leaf}`;
    lines.push(text`${title} ${clean(code)}  ${clean(place)}: ${clean(message)}`);
  }
  if (count > list.length) lines.push(text`${title} and ${count - list.length} more`);
}

function trustText({ trust }: Verdict): string {
  if (trust.how === 'none') return 'none';
  const later =
    trust.present === trust.vkey ? '' : `. The seals lead from it to ${trust.present}, which signs now`;
  if (trust.how === 'pinned') return `${trust.vkey} (given by you)${later}`;
  return `${trust.vkey} (the trail's own word, trusted on first use: whoever replaced the whole trail chose it. Compare it with the key you were handed, then pass it as --key)${later}`;
}

function headText({ head }: Verdict): string {
  if (head === null) return '-';
  return `seal ${head.number}, ${head.size} leaves, root ${head.root}, sealed ${head.sealed_at}, source through ${head.through}`;
}

function checkedText({ checked, scope }: Verdict): string {
  const { plain_bytes: plain } = checked;
  const size = plain < 1e6 ? `${(plain / 1e3).toFixed(1)} kB` : `${(plain / 1e6).toFixed(1)} MB`;
  const from = checked.first_seal === null ? '' : ` from seal ${checked.first_seal} on`;
  const expired = checked.expired_segments > 0 ? `, ${checked.expired_segments} segments expired` : '';
  if (!scope.segments) return `${checked.seals} seals${from}: signatures, chain, tree`;
  return `${checked.seals} seals${from}, ${checked.segments} segments, ${checked.records} records, ${size}${expired}`;
}

function limitsText({ scope, checked, head }: Verdict): string {
  const limits = [
    scope.remembered && head !== null
      ? `whether seals after seal ${head.number} were removed: keep it, and remember it next time`
      : 'whether newer seals were removed: that shows only against a head remembered from earlier',
  ];
  if (!scope.segments) limits.push('records (--seals-only)');
  if (scope.since > 0) limits.push(`seals before ${scope.since} (--since)`);
  else if (checked.first_seal !== null && checked.first_seal > 0) limits.push('seals that have expired');
  if (!scope.locks) limits.push('retention locks (a folder has none)');
  return limits.join('; ');
}

function summary({ counts, head }: Verdict, status: number, strict: boolean): string {
  const amount = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
  if (status === 2)
    return `${amount(counts.unchecked, 'thing')} could not be checked, and no finding so far.`;
  const notices = counts.notices === 0 ? '' : `, ${amount(counts.notices, 'notice')}`;
  if (status === 1) {
    const why = counts.findings === 0 && strict ? ' (--strict)' : '';
    return `${amount(counts.findings, 'finding')}${notices}${why}.`;
  }
  const keep =
    head === null
      ? ''
      : ` Keep seals/${String(head.number).padStart(12, '0')} and pass it as --head next time.`;
  return `nothing is missing or altered up to this head${notices}.${keep}`;
}
