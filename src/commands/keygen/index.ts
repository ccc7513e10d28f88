/**
 * `rowseal keygen`: makes the key that signs a trail. The private key goes into one file and nowhere else; its public
 * half into another beside it, and to stdout. Neither is ever overwritten.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { RowsealError } from '../../base/errors.ts';
import { clean, json as jsonText, text } from '../../base/text.ts';
import { readSigner } from '../../seal/signer.ts';
import { isTrailName, MAX_NAME_BYTES } from '../../trail/names.ts';
import { signerOf } from '../../trail/note.ts';
import { type Command, parseCommandLine } from '../command.ts';

const HELP = text`rowseal keygen --out FILE --name NAME [--json]

Makes an Ed25519 key that signs one trail, writes its public half, the vkey, beside it, and prints that.

  --out FILE        where the private key goes: a new file, readable by its owner only (0600). Never overwritten.
  --name NAME       the trail's name, a URL without its scheme, such as audit.example.com/orders.
                    It is the name of the key and the origin of every checkpoint.
  --json            {"name", "vkey", "file", "vkey_file"} as JSON

The vkey goes into FILE with .key replaced by .vkey (log.key, log.vkey), which is never overwritten either. Where
FILE is there already, nothing is made, and the error tells the vkey of the key in it.

Point signer.path of rowseal.yaml at FILE. Hand the vkey to the auditor by a way that whoever runs the
database does not control (paper, a ticket, a repository): it is all that they need to check the trail.
Whoever has FILE can sign in this trail's name; whoever loses it cannot continue the trail.

  rowseal keygen --out log.key --name audit.example.com/orders

Exit status: 0 the key is made, 2 it is not.
`;

const OPTIONS = {
  options: {
    out: { type: 'string' },
    name: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
} as const;

export const keygenCommand: Command = {
  name: 'keygen',
  summary: 'make the key that signs a trail, and print its public half',
  help: HELP,
  async run(argv, io) {
    const { values } = parseCommandLine('keygen', argv, OPTIONS);
    if (values.help) {
      io.stdout.write(HELP);
      return 0;
    }
    const { out, name, json } = values;
    if (out === undefined || name === undefined) throw usage('Both --out and --name are needed.');
    if (!isTrailName(name)) {
      throw usage(
        `${name} is no trail's name: parts of a-z 0-9 . - with / between, no reserved folder's name.`,
      );
    }
    if (name.length > MAX_NAME_BYTES) {
      throw usage(`A trail's name has at most ${MAX_NAME_BYTES} bytes; this one has ${name.length}.`);
    }
    const { signer, text: key } = signerOf(name, randomBytes(32));
    const { vkey } = signer.key;
    const vkeyFile = `${out.replace(/\.key$/, '')}.vkey`;
    if (existsSync(out)) throw keyIsThere(out, name);
    // First the half that may be known: a crash in between leaves no key without its vkey.
    await writeNew(vkeyFile, `${vkey}\n`, 0o644);
    await writeNew(out, `${key}\n`, 0o600);
    if (json) io.stdout.write(text`${jsonText({ name, vkey, file: out, vkey_file: vkeyFile })}\n`);
    else {
      io.stdout.write(text`${clean(vkey)}\n`);
      io.stderr.write(
        text`The private key is in ${clean(out)} (0600): point signer.path at it and keep a copy offline.\n`,
      );
      io.stderr.write(
        text`The line above, which is in ${clean(vkeyFile)} too, is the public key: hand it to the auditor, who passes it to rowseal verify --key.\n`,
      );
    }
    return 0;
  },
};

/** Creates the file exclusively, with its mode from its first moment, and makes it durable. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new RowsealError('usage', `${path} is there already; a key is never overwritten.`, {
        hint: 'Give another --out, or move it away if it is not needed. keygen writes the .vkey file itself: no > for it.',
      });
    throw new RowsealError('key_invalid', `${path} cannot be written: ${code ?? String(cause)}`, { cause });
  }
}

function keyIsThere(out: string, name: string): RowsealError {
  let vkey = '';
  try {
    vkey = ` Its vkey for ${name} is ${readSigner(out, name).key.vkey}`;
  } catch (error) {
    if (!(error instanceof RowsealError)) throw error; // what is there is no key that can be read
  }
  return new RowsealError('usage', `${out} is there already; a key is never overwritten.${vkey}`, {
    hint: 'Use the key that is there, or give another --out.',
  });
}

function usage(message: string): RowsealError {
  return new RowsealError('usage', message, { hint: 'See rowseal keygen --help.' });
}
