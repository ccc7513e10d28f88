/**
 * Which rowseal this is, so that a verdict can be cited: the version of package.json, and the commit that it was made of.
 * A package was told its commit when it was built; in a clone git says it. Must never ask git where only a folder above
 * is a repository: that is somebody else's commit.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Version {
  readonly version: string;
  /** 40 hex digits, with `-dirty` behind them where files were changed since; null where nobody knows. */
  readonly commit: string | null;
}

/** Of the code that runs. */
export async function ownVersion(): Promise<Version> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as Version;
  const built = await readFile(new URL('../build.json', import.meta.url), 'utf8').catch(() => null);
  const { commit } = built === null ? { commit: await commitOf(root) } : (JSON.parse(built) as Version);
  return { version, commit };
}

/** `rowseal 0.1.1 (commit …)`. */
export function versionText({ version, commit }: Version): string {
  return `rowseal ${version} (commit ${commit ?? 'unknown'})`;
}

/** What git says of the repository whose root this folder is; null without git, or where it is none. */
export async function commitOf(root: string): Promise<string | null> {
  if (!existsSync(`${root}/.git`)) return null;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const describe = ['describe', '--always', '--abbrev=40', '--exclude=*', '--dirty'];
  try {
    const args = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-C', root, ...describe];
    const { stdout } = await promisify(execFile)('git', args, { env });
    return stdout.trim() || null;
  } catch {
    return null;
  }
}
