/** `rowseal verify`: checks a trail from its objects and a key alone. Reads, and never writes anything. */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { RowsealError } from '../../base/errors.ts';
import { clean, join as joinText, json, linesOf, type Printable, pad, text } from '../../base/text.ts';
import { ownVersion, versionText } from '../../base/version.ts';
import { openReader } from '../../store/open.ts';
import { type Checkpoint, parseCheckpoint } from '../../trail/checkpoint.ts';
import { parseNote, parseVerifierKey, type VerifierKey, verifyNote } from '../../trail/note.ts';
import { parseSealFile } from '../../trail/seal.ts';
import { exitStatus, renderVerdict } from '../../verify/report.ts';
import type { Verdict } from '../../verify/verdict.ts';
import { type Progress, verify } from '../../verify/verify.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';

const HELP = text`rowseal verify TRAIL [options]

Checks a trail: every signature, the chain of seals, the tree, every segment and record. Needs no database,
no daemon and no network but the trail's own store.

TRAIL               a folder that holds seals/ and segments/, file:///path,
                    or s3://bucket/prefix/trail?region=…&endpoint=…&force_path_style=true

  --key VKEY        the key you were handed (name+hash+base64), or a file that holds it.
                    Without it the key that the trail itself names is trusted on first use, and the verdict says so.
  --head FILE       a head you kept from earlier: a copy of the newest seals/… file of that day, or its checkpoint.
                    Only with it does the removal of the newest seals show.
  --seals-only      signatures, chain and tree only; segments are not read
  --since N         check from seal N on; seal N-1 is read as the anchor
  --strict          notices count as findings
  --threads N       threads that check segments (default: one per core)
  --json            the verdict as JSON; its member verifier says which rowseal came to it

Findings mean that evidence is missing or altered. Notices are interference and residue that altered nothing:
junk above the head, segments that no seal names, further versions, delete markers.

  rowseal verify ./trails/audit.example.com/orders --key "$(cat log.vkey)"
  rowseal verify 's3://audit-bucket/audit.example.com/orders?region=eu-central-1' --key log.vkey --head kept-seal

Exit status: 0 nothing is missing or altered, 1 findings (with --strict also notices), 2 could not check.
`;

const OPTIONS = {
  options: {
    key: { type: 'string' },
    head: { type: 'string' },
    'seals-only': { type: 'boolean', default: false },
    since: { type: 'string', default: '0' },
    strict: { type: 'boolean', default: false },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
} as const;

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'check a trail offline, with nothing but its objects and a key',
  help: HELP,
  async run(argv, io) {
    const { values, positionals } = parseCommandLine('verify', argv, OPTIONS);
    if (values.help) {
      io.stdout.write(HELP);
      return 0;
    }
    const [location] = positionals;
    if (location === undefined || positionals.length > 1) throw usage('Name one trail to verify.');
    const key = values.key === undefined ? null : await readVerifierKey(values.key);
    const head = values.head === undefined ? null : await readRemembered(values.head, key);
    const reader = await openReader(location, io.env);
    try {
      const progress = io.stderr.isTTY === true && !values.json ? progressLine(io) : null;
      const verdict = await verify(reader, {
        key,
        sealsOnly: values['seals-only'],
        since: integerOption('since', values.since),
        remembered: head?.checkpoint ?? null,
        now: new Date(),
        threads:
          values.threads === undefined
            ? availableParallelism()
            : integerOption('threads', values.threads) || 1,
        ...(progress === null ? {} : { onProgress: progress.show }),
      });
      progress?.clear();
      const status = exitStatus(verdict, values.strict);
      const verifier = await ownVersion();
      if (values.json)
        io.stdout.write(text`${json({ ...verdict, verifier, strict: values.strict, exit: status })}\n`);
      else {
        const told = renderVerdict(verdict, {
          strict: values.strict,
          color: io.stdout.isTTY === true,
          verifier: versionText(verifier),
        });
        io.stdout.write(head === null ? told : withRemembered(told, verdict, head));
      }
      if ([...verdict.findings, ...verdict.unchecked].some(({ code }) => code === 'no_trail'))
        io.stderr.write(await trailsBelow(location));
      return status;
    } finally {
      await reader.close();
    }
  },
};

/** A vkey as text, or the path of a file that holds one. */
export async function readVerifierKey(text: string): Promise<VerifierKey> {
  if (text.startsWith(PRIVATE)) throw privateKey('The key that was given');
  if (/^[^+]+\+[0-9a-f]{8}\+/.test(text)) return parseVerifierKey(text);
  try {
    const found = await readFile(text, 'utf8');
    if (found.startsWith(PRIVATE)) throw privateKey(text);
    return parseVerifierKey(found);
  } catch (cause) {
    if (cause instanceof RowsealError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? `there is no file ${text}` : `the file ${text} cannot be read (${code})`;
    throw new RowsealError('key_invalid', `${why}, and it is no vkey either`, {
      cause,
      hint: 'Give the vkey that you were handed (name+8 hex digits+base64), or the name of a file that holds it.',
    });
  }
}

/** What a signing key begins with, as signed notes write it. */
const PRIVATE = 'PRIVATE+KEY+';

function privateKey(what: string): RowsealError {
  return new RowsealError('key_invalid', `${what} is the private key, which signs: give the vkey`, {
    hint: 'keygen wrote it beside the key (log.vkey). If you are the auditor, the private key should not be with you: say so.',
  });
}

interface Remembered {
  readonly checkpoint: Checkpoint;
  /** Of a seal file; null for a bare checkpoint, which does not say it. */
  readonly seal: number | null;
}

/** A seal file or a checkpoint kept from earlier; its signature must hold where a key is given. */
async function readRemembered(path: string, key: VerifierKey | null): Promise<Remembered> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw usage(`--head ${path} cannot be read: ${(cause as Error).message}`);
  }
  try {
    return rememberedIn(text, key, path);
  } catch (error) {
    if (!(error instanceof RowsealError) || error.code === 'usage') throw error;
    throw usage(`--head ${path} is neither a seal file nor a checkpoint: ${error.message}`);
  }
}

function rememberedIn(whole: string, key: VerifierKey | null, path: string): Remembered {
  let text = whole;
  let seal: number | null = null;
  if (text.startsWith('rowseal/seal@')) {
    seal = parseSealFile(Buffer.from(text)).seal.number;
    text = text.slice(text.indexOf('\n\n') + 2);
  }
  const note = parseNote(text);
  // Or by a later key of its trail, which only the trail can tell.
  const isNamed = (name: string) => note.signatures.some((signature) => signature.name === name);
  if (key !== null && verifyNote(note, [key]).length === 0 && !isNamed(key.name))
    throw usage(`--head ${path} is not signed by --key`);
  return { checkpoint: parseCheckpoint(note.text), seal };
}

/** Says beside the head that the remembered one was found; a verdict with findings says by itself what was not. */
function withRemembered(told: Printable, { counts }: Verdict, { checkpoint, seal }: Remembered): Printable {
  if (counts.findings > 0 || counts.unchecked > 0) return told;
  const which = seal === null ? text`` : text`seal ${seal}, `;
  const row = text`${pad(text`remembered`, 12)} ${which}${checkpoint.size} leaves: still in this trail`;
  const lines = linesOf(told);
  const head = lines.findIndex((line) => line.startsWith('head '));
  return joinText(lines.toSpliced(head + 1, 0, row), text`\n`);
}

/** Names the trails in the folders below a folder that is none itself; nothing where there are none. */
async function trailsBelow(location: string): Promise<Printable> {
  if (location.includes('://')) return text``;
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    if (entries.some((entry) => entry.name === 'seals' && entry.isDirectory())) found.push(folder);
    else if (depth > 0)
      for (const entry of entries) if (entry.isDirectory()) await look(join(folder, entry.name), depth - 1);
  };
  await look(location, 4);
  const names = found.slice(0, 20).map((path) => text`  ${clean(path)}\n`);
  return names.length === 0 ? text`` : text`Trails below this folder:\n${joinText(names, text``)}`;
}

function integerOption(name: string, text: string): number {
  if (/^(?:0|[1-9][0-9]{0,11})$/.test(text)) return Number(text);
  throw usage(`--${name} takes a whole number, not ${text}`);
}

function usage(message: string): RowsealError {
  return new RowsealError('usage', message, { hint: 'See rowseal verify --help.' });
}

/** One line on a terminal, at most ten times a second. */
function progressLine(io: CommandIo): { show(progress: Progress): void; clear(): void } {
  let shown = 0;
  return {
    show({ seals, records, plainBytes }) {
      const now = Date.now();
      if (now - shown < 100) return;
      shown = now;
      io.stderr.write(
        text`\r\u001b[Kverifying: ${seals} seals, ${records} records, ${Math.round(plainBytes / 1e6)} MB`,
      );
    },
    clear: () => io.stderr.write(text`\r\u001b[K`),
  };
}
