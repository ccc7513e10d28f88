/**
 * A user's shell for the commands of a guide: bash in a folder of its own as home, where what one block exports and
 * where it went holds for the next. `rowseal` is the command that the README makes; psql is a stand-in (`psql.ts`).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Block, blocksUnder } from './guides.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface GuideShell extends AsyncDisposable {
  /** The home folder. */
  readonly home: string;
  /** Where the last block ended. */
  folder(): Promise<string>;
  /** Runs a block to its end; `input` is what the user types. */
  run(script: string, input?: string): Promise<Ran>;
  /** Starts a block that stays, as `rowseal run`; resolves when its output fits. */
  stay(script: string, fits: RegExp): Promise<Staying>;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  /** The commands that did not end with 0: `1 rowseal doctor -c rowseal.yaml`. */
  readonly failed: readonly string[];
}

export interface Staying {
  /** What it had said when it fitted. */
  readonly said: string;
  /** Ctrl-C; resolves with the exit status. */
  interrupt(): Promise<number>;
}

/** `variables` are there as if the user had them in the environment already. */
export async function openGuideShell(variables: Readonly<Record<string, string>> = {}): Promise<GuideShell> {
  const home = await mkdtemp(join(tmpdir(), 'rowseal-guide-'));
  const bin = join(home, 'bin');
  await mkdir(bin);
  const psql = join(ROOT, 'test/support/psql.ts');
  await writeFile(join(bin, 'psql'), `#!/bin/sh\nexec "${process.execPath}" "${psql}" "$@"\n`);
  await chmod(join(bin, 'psql'), 0o755);
  const path = `${bin}:${process.env['PATH']}`;
  const state = join(home, '.state');
  const staying: ChildProcess[] = [];
  const begin = (script: string, cwd: string) =>
    spawn('bash', ['-c', script], {
      cwd,
      env: { HOME: home, PATH: path, LANG: 'C.UTF-8', ...variables },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  const before = `set -u -o pipefail; test ! -f ${state} || . ${state} || exit; `;
  const folder = () => readFile(`${state}.folder`, 'utf8').then((text) => text.trim());

  const shell: GuideShell = {
    home,
    folder,
    run: async (script, input = '') => {
      const failures = join(home, '.failed');
      await writeFile(failures, '');
      const trap = `trap 'echo "$? $BASH_COMMAND" >> ${failures}' ERR\n`;
      const after = `\ntrap - ERR\nexport -p > ${state}; pwd > ${state}.folder\n`;
      const child = begin(before + trap + script + after, await folder().catch(() => ROOT));
      const output = { stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
      child.stdin.on('error', () => undefined); // a block that reads nothing
      child.stdin.end(input);
      await once(child, 'close');
      const failed = (await readFile(failures, 'utf8')).split('\n').filter((line) => line !== '');
      return { ...output, failed };
    },
    stay: async (script, fits) => {
      const child = begin(`${before}exec ${script}`, await folder());
      staying.push(child);
      const exit = once(child, 'close') as Promise<[number | null]>;
      let said = '';
      await new Promise<void>((resolve, reject) => {
        const hear = (text: string) => {
          said += text;
          if (fits.test(said)) resolve();
        };
        child.stdout.setEncoding('utf8').on('data', hear);
        child.stderr.setEncoding('utf8').on('data', hear);
        child.once('close', () => reject(new Error(`it ended:\n${said}`)));
      });
      return {
        said,
        interrupt: async () => {
          child.kill('SIGINT');
          return (await exit)[0] ?? -1;
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of staying) child.kill('SIGKILL');
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await install(shell);
  return shell;
}

/** What the README's Install says, but for npm ci, and into the home folder. */
async function install(shell: GuideShell): Promise<void> {
  const [block] = blocksUnder('README.md', 'Install') as [Block];
  const script = block.text
    .replace(/^npm ci$/m, '')
    .replaceAll('/tmp/rowseal', join(shell.home, 'rowseal'))
    .replace('sudo install', 'install')
    .replace('/usr/local/bin/', `${join(shell.home, 'bin')}/`);
  const { failed, stderr } = await shell.run(script);
  if (failed.length > 0) throw new Error(`${block.at}: ${stderr}`);
}

/** The statements of an SQL block, without their comments at the end of a line. */
export function statementsOf(block: Block): string[] {
  return block.text
    .replace(/\s+-- .*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
