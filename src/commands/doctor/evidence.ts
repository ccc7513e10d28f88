/**
 * The checks on our side of the wire: the signing key, whether the store can be written and really locks, and
 * whether trail and server belong together. Writes nothing into a trail.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { RowsealError } from '../../base/errors.ts';
import type { Config, StoreConfig, TrailConfig } from '../../config/schema.ts';
import type { EngineDiagnosis } from '../../engines/common/engine.ts';
import { readSigner } from '../../seal/signer.ts';
import { type Check, check, type Unchecked } from '../../source/preflight.ts';
import { ASKING_MS, openStore } from '../../store/open.ts';
import type { Signer } from '../../trail/note.ts';
import type { CommandIo } from '../command.ts';
import { readHead } from '../trail-head.ts';

interface Evidence {
  readonly checks: Check[];
  readonly unchecked: Unchecked[];
}

/** `judgeHead`: whether trail and server belong together. */
export async function evidenceChecks(
  config: Config,
  trail: TrailConfig,
  judgeHead: EngineDiagnosis['judgeHead'],
  env: CommandIo['env'],
): Promise<Evidence> {
  const key = keyCheck(config.signer.path, trail.name);
  const store =
    config.store.type === 'file' ? folderCheck(config.store.path) : await lockCheck(config.store, env);
  const evidence: Evidence = { checks: [key.check, ...store.checks], unchecked: [...store.unchecked] };
  // Who could not be asked whether it locks need not be asked again.
  if (key.signer === null || store.unchecked.length > 0) return evidence;
  try {
    evidence.checks.push(judgeHead(await readHead(config, trail, key.signer, env)));
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    if (error.code === 'trail_invalid')
      evidence.checks.push(
        check('trail', 'trail.head', 'fail', 'the trail does not hold together', {
          why: error.message,
          fix: error.hint,
        }),
      );
    else evidence.unchecked.push({ what: 'the head of the trail', why: error.message, fix: error.hint });
  }
  return evidence;
}

function keyCheck(path: string, trail: string): { check: Check; signer: Signer | null } {
  try {
    const signer = readSigner(path, trail);
    const other = otherVkey(path, signer.key.vkey);
    if (other !== null) {
      const why = `the auditor who is handed it finds no seal signed by it: ${other}`;
      const fix = `correct the trail's name, or hand out ${signer.key.vkey}`;
      const what = `the vkey beside ${path} was made for another trail`;
      return { check: check('key', 'key.vkey', 'warn', what, { why, fix }), signer };
    }
    return { check: check('key', 'key.file', 'ok', `${path}, vkey ${signer.key.vkey}`), signer };
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    return {
      check: check('key', 'key.file', 'fail', `${path} cannot be used`, {
        why: error.message,
        fix: error.hint,
      }),
      signer: null,
    };
  }
}

/** The vkey that keygen wrote beside the key, where it is another trail's. One key may sign for several. */
function otherVkey(path: string, vkey: string): string | null {
  const beside = `${path.replace(/\.key$/, '')}.vkey`;
  if (!existsSync(beside)) return null;
  const text = readFileSync(beside, 'utf8').trim();
  return text === vkey ? null : text;
}

/** The password of the capture login, which others must not read. */
export function secretChecks({ password_file: path }: TrailConfig['source']): Check[] {
  if (path === undefined) return [];
  const open = (statSync(path).mode & 0o077) !== 0;
  return [
    check(
      'key',
      'key.password_file',
      open ? 'warn' : 'ok',
      `${path} ${open ? 'can be read by others' : 'is for its owner alone'}`,
      { why: 'whoever has the password can read every change as it is made', fix: `chmod 600 ${path}` },
    ),
  ];
}

function folderCheck(path: string): Evidence {
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  let writable = statSync(nearest).isDirectory();
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch {
    writable = false;
  }
  const checks = [
    check(
      'store',
      'store.writable',
      writable ? 'ok' : 'fail',
      `${path} ${writable ? 'can' : 'cannot'} be written`,
      {
        why: `${nearest} is no folder that this user may write to`,
        fix: `install -d -m 0700 -o <the daemon's user> ${path}`,
      },
    ),
    check('store', 'store.lock', 'warn', 'a folder does not lock what it holds', {
      why: 'whoever may write to it can remove the newest seals; verify finds changed bytes, not a shortened trail',
      fix: 'store: { type: s3, bucket: … } with Object Lock',
    }),
  ];
  return { checks, unchecked: [] };
}

/** How long the probe stays: Object Lock in COMPLIANCE mode can't be taken back. */
const PROBE_MS = 60_000;

async function lockCheck(
  place: Extract<StoreConfig, { type: 's3' }>,
  env: CommandIo['env'],
): Promise<Evidence> {
  const store = await openStore(place, '.rowseal-doctor', env, ASKING_MS);
  const where = `${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`;
  try {
    const key = `probe-${new Date().toISOString().slice(0, 10)}`;
    const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + PROBE_MS);
    await store.create(key, Buffer.from('rowseal doctor: does this bucket lock?\n'), until);
    const skew = store.skewMs();
    const checks = [
      check('store', 'store.lock', 'ok', `${where} locked a probe in COMPLIANCE mode for a minute`),
    ];
    if (skew !== null)
      checks.push(
        check(
          'store',
          'store.clock',
          Math.abs(skew) > 300_000 ? 'fail' : Math.abs(skew) > 60_000 ? 'warn' : 'ok',
          `its clock is ${skew} ms from ours`,
          {
            why: 'at 5 minutes the daemon stops: retention would be reckoned from a wrong time',
            fix: 'timedatectl set-ntp true',
          },
        ),
      );
    return { checks, unchecked: [] };
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error;
    if (error.retryable)
      return {
        checks: [],
        unchecked: [
          { what: `whether ${where} locks, and the trail's head`, why: error.message, fix: error.hint },
        ],
      };
    return {
      checks: [
        check('store', 'store.lock', 'fail', `${where} does not take locked objects`, {
          why: error.message,
          fix: error.hint,
        }),
      ],
      unchecked: [],
    };
  } finally {
    await store.close();
  }
}
