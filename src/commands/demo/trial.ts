/**
 * The demo's second half: what an auditor sees with nothing but the trail and the public key. The clean trail must
 * verify; every spoiled copy must be caught, with the very object named that was spoiled, and no other.
 */
import { copyFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ORDER, type Shop, scenesOf, type Tier } from '../../engines/common/demo-shop.ts';
import { sealPath } from '../../trail/names.ts';
import type { Verdict } from '../../verify/verdict.ts';
import { showCommand } from '../show/index.ts';
import { verifyCommand } from '../verify/index.ts';
import { placeOf } from './evidence.ts';
import type { Narrator } from './narrator.ts';
import { TRAIL } from './setting.ts';
import { runCommand } from './stage.ts';
import { CHANGES, isOfTheStory, type Stage } from './story.ts';
import { changeOneByte, removeObject } from './tamper.ts';

/** The members of a record that the story is held against; see FORMAT.md. */
export interface StoryRecord {
  readonly kind: string;
  readonly id: string;
  readonly actor?: { readonly type: string; readonly id?: string; readonly email?: string };
  readonly attribution?: { readonly tier: Tier; readonly via?: string | null };
  readonly action?: string;
  readonly connection?: { readonly user?: string; readonly application?: string; readonly pid?: number };
  readonly target?: { readonly key?: Readonly<Record<string, unknown>> | null };
}

/** Shows the row's history and holds it against what was played. Resolves with its records. */
export async function tellHistory({ folder, say, io, shop, wrong }: Stage): Promise<StoryRecord[]> {
  const asked = ['--table', `${shop.schema}.orders`, '--key', `id=${ORDER}`, '--ddl'];
  say.hand('$', `rowseal show trails/${TRAIL} ${asked.join(' ')}`);
  const told = await runCommand(showCommand, [folder.trail, ...asked], io);
  for (const line of told.stdout.trimEnd().split('\n')) say.plain(line);
  const { stdout } = await runCommand(showCommand, [folder.trail, '--json'], io);
  const records = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StoryRecord & { readonly target?: { readonly table?: string } });
  const ofOrder = records.filter(
    (record) => isOfTheStory(record) && (record.kind === 'ddl' || record.target?.table === 'orders'),
  );
  tellIntruder(say, shop, ofOrder);
  const changes = records.filter(({ kind }) => kind === 'change');
  if (changes.length !== CHANGES)
    wrong.push(`the trail holds ${changes.length} changes instead of ${CHANGES}`);
  const found = ofOrder.filter(({ kind }) => kind === 'change');
  const scenes = [...scenesOf(shop), shop.rogue];
  scenes.forEach(({ who, expected }, at) => {
    const record = found[at];
    const same =
      record?.action === expected.action &&
      ((record.attribution?.tier === expected.tier && isDeepStrictEqual(record.actor, expected.actor)) ||
        (expected.orUnknown && record.attribution?.tier === 'none'));
    if (!same)
      wrong.push(`${who}: the trail says ${JSON.stringify(record?.actor)} (${record?.attribution?.tier})`);
  });
  if (found.length !== scenes.length) wrong.push(`order ${ORDER} has ${found.length} changes`);
  return ofOrder;
}

function tellIntruder(say: Narrator, shop: Shop, records: readonly StoryRecord[]): void {
  const { connection } = records.find(({ kind }) => kind === 'ddl') ?? {};
  if (connection === undefined) return;
  const { user, application, pid } = connection;
  const who = [user && `login ${user}`, application, `process ${pid}`];
  const tier = records.findLast(({ kind }) => kind === 'change')?.attribution?.tier ?? 'none';
  say.caught(shop.unmasked(tier, who.filter(Boolean).join(', ')));
}

export async function verifyClean({ folder, say, io, wrong }: Stage, vkey: string): Promise<Verdict> {
  say.hand('$', `rowseal verify trails/${TRAIL} --key log.vkey`);
  const { exit, verdict } = await verify(folder.trail, vkey, io);
  const { checked } = verdict;
  if (exit === 0 && verdict.counts.notices === 0) {
    say.done(
      `nothing is missing or altered: ${checked.seals} seals, ${checked.segments} segments, ${checked.records} records, checked with your key`,
    );
  } else {
    say.wrong(`verify ended with ${exit}`);
    wrong.push(`the clean trail does not verify: ${JSON.stringify(verdict.findings)}`);
  }
  return verdict;
}

export interface Caught {
  readonly what: 'byte-changed' | 'seal-removed' | 'head-removed';
  /** The object that was spoiled. */
  readonly object: string;
  readonly exit: number;
  readonly findings: Verdict['findings'];
  readonly ok: boolean;
}

export async function spoilByte(stage: Stage, vkey: string, head: number, rogue: string): Promise<Caught> {
  const { folder, say } = stage;
  const place = await placeOf(folder.trail, head, rogue);
  const object = place?.segment ?? '';
  const to = folder.spoiled('byte-changed');
  say.hand('$', `cp -r trails/${TRAIL} spoiled/byte-changed`);
  const { at, was, is } = await changeOneByte(folder.trail, to, object);
  say.hand('$', `f=spoiled/byte-changed/${object}; chmod u+w $f`);
  say.hand(
    '$',
    `printf '\\${octal(is)}' | dd of=$f bs=1 seek=${at} conv=notrunc   # it was ${octal(was)}, in octal`,
  );
  return judge(stage, vkey, 'byte-changed', object);
}

export async function spoilSeal(stage: Stage, vkey: string, head: number, rogue: string): Promise<Caught> {
  const { folder, say } = stage;
  const place = await placeOf(folder.trail, head, rogue);
  const object = place?.seal ?? '';
  say.hand('$', `cp -r trails/${TRAIL} spoiled/seal-removed`);
  say.hand('$', `rm -f spoiled/seal-removed/${object}`);
  await removeObject(folder.trail, folder.spoiled('seal-removed'), object);
  return judge(stage, vkey, 'seal-removed', object);
}

/** The limit of every log: what was cut off at its end shows only to whoever remembers a head. */
export async function spoilHead(stage: Stage, vkey: string, head: number): Promise<Caught> {
  const { folder, say } = stage;
  const object = sealPath(head);
  await copyFile(join(folder.trail, object), folder.keptHead);
  say.hand('$', `cp trails/${TRAIL}/${object} kept-head   # what an auditor takes home`);
  say.hand('$', `cp -r trails/${TRAIL} spoiled/head-removed; rm -f spoiled/head-removed/${object}`);
  const to = folder.spoiled('head-removed');
  await removeObject(folder.trail, to, object);
  say.hand('$', 'rowseal verify spoiled/head-removed --key log.vkey');
  const blind = await verify(to, vkey, stage.io);
  if (blind.exit === 0)
    say.done('exit 0: offline, the removal of the newest seals cannot be seen; the verdict says so');
  else stage.wrong.push(`a trail without its newest seal: verify ended with ${blind.exit}`);
  return judge(stage, vkey, 'head-removed', object, ['--head', folder.keptHead]);
}

async function judge(
  { folder, say, io, wrong }: Stage,
  vkey: string,
  what: Caught['what'],
  object: string,
  extra: readonly string[] = [],
): Promise<Caught> {
  const to = folder.spoiled(what);
  const shown = extra.map((text) => (text.startsWith(folder.dir) ? relative(folder.dir, text) : text));
  say.hand('$', ['rowseal verify', `spoiled/${what}`, '--key log.vkey', ...shown].join(' '));
  const { exit, verdict } = await verify(to, vkey, io, extra);
  const { findings } = verdict;
  // Who remembers a head knows that the trail was longer, not which object is gone.
  const named =
    what === 'head-removed'
      ? findings.some(({ code }) => code === 'head_mismatch')
      : findings.every((each) => each.object === object);
  const ok = exit === 1 && findings.length > 0 && named;
  for (const { code, object: where, message } of findings) say.caught(`${code}  ${where}: ${message}`);
  if (ok) say.done(`caught, exit ${exit}`);
  else {
    say.wrong(`exit ${exit}; expected was a finding that names ${object}`);
    wrong.push(`${what}: exit ${exit}, findings ${JSON.stringify(findings)}`);
  }
  return { what, object, exit, findings, ok };
}

/** As every shell's printf takes it. */
const octal = (byte: number) => byte.toString(8).padStart(3, '0');

async function verify(
  path: string,
  vkey: string,
  io: Stage['io'],
  extra: readonly string[] = [],
): Promise<{ exit: number; verdict: Verdict }> {
  io.signal.throwIfAborted();
  const { exit, stdout } = await runCommand(verifyCommand, [path, '--key', vkey, '--json', ...extra], io);
  return { exit, verdict: JSON.parse(stdout) as Verdict };
}
