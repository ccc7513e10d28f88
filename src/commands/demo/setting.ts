/** The demo's folder: what lies where, and the configuration that a user would write by hand. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RowsealError } from '../../base/errors.ts';

export const TRAIL = 'shop.example/orders';

export interface Folder {
  readonly dir: string;
  readonly config: string;
  readonly signingKey: string;
  readonly vkey: string;
  readonly capturePassword: string;
  readonly hmacKey: string;
  readonly daemonLog: string;
  /** The clean trail: the one that holds seals/ and segments/. */
  readonly trail: string;
  /** A head kept aside, as an auditor keeps one. */
  readonly keptHead: string;
  spoiled(name: string): string;
}

/** A new folder, or `wanted` where it is none yet or empty of demos. Throws `usage`. */
export async function makeFolder(wanted: string | undefined): Promise<Folder> {
  const dir = wanted === undefined ? await mkdtemp(join(tmpdir(), 'rowseal-demo-')) : resolve(wanted);
  await mkdir(dir, { recursive: true });
  for (const name of ['trails', 'spoiled', 'log.key']) {
    if (existsSync(join(dir, name))) {
      throw new RowsealError('usage', `${join(dir, name)} is there already.`, {
        hint: 'Give --dir a new folder: a trail is never overwritten, not even a demo’s.',
      });
    }
  }
  return {
    dir,
    config: join(dir, 'rowseal.yaml'),
    signingKey: join(dir, 'log.key'),
    vkey: join(dir, 'log.vkey'),
    capturePassword: join(dir, 'capture.password'),
    hmacKey: join(dir, 'hmac.key'),
    daemonLog: join(dir, 'daemon.log'),
    trail: join(dir, 'trails', TRAIL),
    keptHead: join(dir, 'kept-head'),
    spoiled: (name) => join(dir, 'spoiled', name),
  };
}

/** `engine`: the trail's members `source` and `tables`; `secret` makes passwords and keys. Resolves with the number of lines. */
export async function writeConfig(
  folder: Folder,
  engine: string,
  listen: string,
  secret: () => string,
): Promise<number> {
  const secretFile = { mode: 0o600, flag: 'wx' };
  await writeFile(folder.capturePassword, `${secret()}\n`, secretFile);
  await writeFile(folder.hmacKey, `${secret()}${secret()}\n`, secretFile);
  const text = configText(engine, listen);
  await writeFile(folder.config, text, { flag: 'wx' });
  return text.trimEnd().split('\n').length;
}

function configText(engine: string, listen: string): string {
  return `store: { type: file, path: ./trails }
signer: { type: file, path: ./log.key }
seal: { max_age: 200ms, idle: 10s }
retention: { default: 400d, classes: { financial: 7y } }
redaction: { hmac_key_file: ./hmac.key }
actors:
  - { login: cron_*, actor: { type: system, id: cron } }
trails:
  - name: ${TRAIL}
${engine}metrics: { listen: ${listen} }
`;
}

/** A port on loopback that nobody uses now. */
export async function freeAddress(): Promise<string> {
  const listener = createServer();
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  const address = listener.address();
  await new Promise<void>((closed) => listener.close(() => closed()));
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return `127.0.0.1:${address.port}`;
}
