/** `rowseal version`: which rowseal this is, in the words that a verdict's verifier is cited with. */
import { clean, json, text } from '../../base/text.ts';
import { ownVersion, versionText } from '../../base/version.ts';
import { type Command, parseCommandLine } from '../command.ts';

const HELP = text`rowseal version [--json]      also rowseal --version

Says which rowseal this is: its version, and the commit that it was made of; "-dirty" behind the commit means that files
were changed since. Cite both with a verdict; rowseal verify --json carries them as "verifier".

  --json            {"version", "commit", "node"} as JSON; commit is null where nobody knows it

Exit status: 0.
`;

export const versionCommand: Command = {
  name: 'version',
  summary: text`which rowseal this is: version and commit`,
  help: HELP,
  async run(argv, io) {
    const { values } = parseCommandLine('version', argv, {
      options: { json: { type: 'boolean', default: false } },
    });
    const own = await ownVersion();
    const node = process.versions.node;
    io.stdout.write(text`${values.json ? json({ ...own, node }) : clean(versionText(own))}\n`);
    return 0;
  },
};
