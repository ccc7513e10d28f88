/** `rowseal keygen`: makes the key that signs a trail. The private key goes into one file and nowhere else. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { RowsealError } from '../base/errors.ts';
import { isTrailName } from '../trail/names.ts';
import { signerOf } from '../trail/note.ts';
import { type Command, parseCommandLine } from './command.ts';

const HELP = `rowseal keygen --out FILE --name NAME [--json]

Makes an Ed25519 key that signs one trail, and prints its public half, the vkey.

  --out FILE        where the private key goes: a new file, readable by its owner only (0600). Never overwritten.
  --name NAME       the trail's name, a URL without its scheme, such as audit.example.com/orders.
                    It is the name of the key and the origin of every checkpoint.
  --json            {"name", "vkey", "file"} as JSON

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
    const { signer, text } = signerOf(name, randomBytes(32));
    await writeNew(out, `${text}\n`);
    const { vkey } = signer.key;
    if (json) io.stdout.write(`${JSON.stringify({ name, vkey, file: out })}\n`);
    else {
      io.stdout.write(`${vkey}\n`);
      io.stderr.write(
        `The private key is in ${out} (0600): point signer.path at it and keep a copy offline.\n` +
          'The line above is the public key: hand it to the auditor, who passes it to rowseal verify --key.\n',
      );
    }
    return 0;
  },
};

/** Creates the file exclusively, at 0600 from its first moment, and makes it durable. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw usage(`${path} is there already; a key is never overwritten.`);
    throw new RowsealError('key_invalid', `${path} cannot be written: ${code ?? String(cause)}`, { cause });
  }
}

function usage(message: string): RowsealError {
  return new RowsealError('usage', message, { hint: 'See rowseal keygen --help.' });
}
