/**
 * A clear word under a Node that is too old, instead of a stack trace. Loaded before everything else. It must parse under
 * Node 12: no optional chaining, no top-level await, nothing imported that is newer.
 */
'use strict';

const NEEDED = 24;
const { node } = process.versions;

if (Number(node.split('.')[0]) < NEEDED) {
  // biome-ignore lint/style/useNodejsImportProtocol: Node 12 does not know it.
  const { existsSync } = require('fs');
  // biome-ignore lint/style/useNodejsImportProtocol: likewise.
  const { join } = require('path');
  // A clone has brought one along; a package has not.
  const brought = join(__dirname, '..', 'node_modules', 'node', 'bin', 'node');
  const main = join(__dirname, 'main.ts');
  const way =
    existsSync(brought) && existsSync(main)
      ? `This clone has brought one: ${brought} ${main}, or npm run rowseal -- …`
      : `Install it (nodejs.org, "nvm install ${NEEDED}", "npm install -g node@${NEEDED}", or your distribution), and see that "node --version" says so.`;
  process.stderr.write(
    `rowseal: this is Node ${node}, and rowseal needs Node ${NEEDED} or later.\n  ${way}\n`,
  );
  process.exit(2);
}
