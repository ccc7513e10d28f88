/**
 * Renders what is documentation of code: config.example.yaml from the schema, the codes in docs/errors.md from the
 * table. `npm run docs` writes them; docs.test.ts compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ERRORS } from '../../src/base/errors.ts';
import { renderConfigExample } from './render-config.ts';

const HEADING = '## All codes';

/** `page` with its codes as the table has them; what stands above them is written by hand and stays. */
export function renderErrors(page: string): string {
  const at = page.indexOf(`\n${HEADING}\n`);
  const byHand = at < 0 ? `${page.trimEnd()}\n` : page.slice(0, at);
  const codes = Object.entries(ERRORS).map(
    ([code, kind]) =>
      `### ${code}\n\n${kind.cause}\n\n${kind.hint}\n\nExit ${kind.exit}; ${kind.retryable ? 'the daemon retries by itself' : 'not retried'}.\n`,
  );
  return `${byHand}\n${HEADING}\n\nRendered from src/base/errors.ts by \`npm run docs\`.\n\n${codes.join('\n')}`;
}

if (import.meta.main) {
  const errors = new URL('../../docs/errors.md', import.meta.url);
  writeFileSync(errors, renderErrors(readFileSync(errors, 'utf8')));
  writeFileSync(new URL('../../config.example.yaml', import.meta.url), renderConfigExample());
}
