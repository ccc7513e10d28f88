/** Whom to run a server as: database servers refuse root, and nobody owns nothing that they could harm. */
import fs from 'node:fs/promises';
import { RowsealError } from '../base/errors.ts';

/** For `spawn`; empty where we are not root. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

export async function unprivileged(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  const users = await fs.readFile('/etc/passwd', 'utf8');
  const [, , uid, gid] =
    users
      .split('\n')
      .find((line) => line.startsWith('nobody:'))
      ?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new RowsealError(
      'embedded_unavailable',
      'a database server refuses root, and there is no user nobody',
      {
        hint: 'Run it as an ordinary user.',
      },
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/** Gives files and folders (not what is in them) to whom the server runs as. */
export async function give(to: RunAs, ...places: readonly string[]): Promise<void> {
  if (to.uid === undefined || to.gid === undefined) return;
  for (const place of places) await fs.chown(place, to.uid, to.gid);
}
