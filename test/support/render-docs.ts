/**
 * Renders what is documentation of code: config.example.yaml from the schema, src/base/ERRORS.md from the table.
 * `npm run docs` writes them; docs.test.ts compares.
 */
import { writeFileSync } from 'node:fs';
import { ERRORS } from '../../src/base/errors.ts';
import { renderConfigExample } from './render-config.ts';

export function renderErrors(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, kind]) =>
      `## ${code}\n\n${kind.cause}\n\n${kind.hint}\n\nExit ${kind.exit}; ${kind.retryable ? 'the daemon retries by itself' : 'not retried'}.\n`,
  );
  return `# Errors\n\nRendered from errors.ts by \`npm run docs\`. A message names the code in brackets.\n\n${rows.join('\n')}`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../src/base/ERRORS.md', import.meta.url), renderErrors());
  writeFileSync(new URL('../../config.example.yaml', import.meta.url), renderConfigExample());
}
