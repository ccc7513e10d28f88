/**
 * Writes a real, signed trail of the mixed load (mixed-load.ts), by the recorder and the sealer that the daemon has, with a
 * clock of its own: a year passes in seconds. For verify, show and what reads trails; the key lies beside it.
 * Run: node bench/mixed-trail.ts FOLDER CHANGES CHANGES_PER_SEAL [DAYS]
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../src/base/log.ts';
import { compilePolicy } from '../src/change/policy/policy.ts';
import { createRecorder, type Recorder } from '../src/change/recorder/recorder.ts';
import { emptyHead } from '../src/seal/head/head.ts';
import { sealCheck } from '../src/seal/head/oldest.ts';
import { createSealer } from '../src/seal/sealer.ts';
import { createFileStore } from '../src/store/file.ts';
import { signerOf } from '../src/trail/note.ts';
import { createMixedLoad, type MixedLoad } from './mixed-load.ts';

const TRAIL = 'audit.example.com/orders';
const NEVER_MS = 2e9;
const [folder, ...numbers] = process.argv.slice(2);
const [changes, perSeal, days] = [0, 1, 2].map((i) => Number(numbers[i] ?? [0, 2000, 334][i]));
if (folder === undefined || !(changes! > 0 && perSeal! > 0)) {
  process.stderr.write('node bench/mixed-trail.ts FOLDER CHANGES CHANGES_PER_SEAL [DAYS]\n');
  process.exit(2);
}

const { signer } = signerOf(TRAIL, randomBytes(32));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'log.vkey'), `${signer.key.vkey}\n`);
let load: MixedLoad | null = null;
let recorder: Recorder | null = null;
/** Set while two seals are under way: what would read on waits. */
let goOn: (() => void) | null = null;
let full = false;
const clock = { now: () => load?.now() ?? Date.UTC(2026, 0, 1), sleep: async () => {} };
const years = { count: 7, unit: 'y' } as const;
const sealer = createSealer({
  trail: TRAIL,
  store: createFileStore({ root: join(folder, 'trails'), trail: TRAIL }),
  signer,
  isSeal: sealCheck(TRAIL, signer.key),
  head: emptyHead('0/0'),
  abandoned: [],
  limits: { maxAgeMs: NEVER_MS, maxBytes: 16 << 20, maxRecords: 1e9, idleMs: NEVER_MS },
  retentions: { of: (name) => (name === 'financial' ? years : { count: 400, unit: 'd' }), all: [years] },
  clock,
  log: silentLog,
  progress: () => recorder!.progress(),
  onSealed: () => {},
  onPressure: (on) => {
    full = on;
    if (!on) goOn?.();
  },
});
sealer.failed.catch((error: unknown) => {
  process.stderr.write(`${error}\n`);
  process.exit(1);
});
recorder = createRecorder({
  trail: TRAIL,
  sink: sealer.sink,
  resume: { through: '0/0', transactions: 0, partial: null },
  now: clock.now,
  policy: compilePolicy({
    tables: [
      { match: '*.*' },
      { match: 'public.payments', class: 'financial' },
      { match: 'security.*', class: 'security' },
    ],
  }),
});
load = createMixedLoad(recorder, changes!, days!);
recorder.genesis({
  trail: TRAIL,
  createdAt: new Date(clock.now()).toISOString(),
  source: { engine: 'synthetic' },
  logKey: signer.key.vkey,
});
sealer.cut('start');
for (let made = 0, cut = 0; made < changes!; ) {
  made += load.transaction();
  if (made - cut < perSeal!) continue;
  cut = made;
  sealer.cut('count');
  await new Promise<void>((resolve) => {
    if (full) goOn = resolve;
    else setImmediate(resolve);
  });
}
sealer.cut('stop');
await sealer.drain();
await sealer.close();
const { number, size } = sealer.head;
process.stdout.write(`${folder}: ${size} leaves in ${number + 1} seals\n`);
