/**
 * Renders what is documentation of code: config.example.yaml from the schema, the codes in docs/errors.md and in
 * docs/findings.md from their tables. `npm run docs` writes them; docs.test.ts compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ERRORS } from '../../src/base/errors.ts';
import { CODES } from '../../src/verify/findings/findings.ts';
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

const SEVERITIES = {
  finding: ['Findings', 'Evidence is missing or altered: exit 1.'],
  notice: ['Notices', 'Interference or residue that altered nothing: exit 0, or 1 with `--strict`.'],
  unchecked: ['Could not check', 'Exit 2, unless there are findings.'],
} as const;

/** The whole page. */
export function renderFindings(): string {
  const sections = Object.entries(SEVERITIES).map(([severity, [title, said]]) => {
    const rows = Object.entries(CODES).filter(([, [own]]) => own === severity);
    return `## ${title}\n\n${said}\n\n| code | what it means |\n| --- | --- |\n${rows.map(([code, [, meaning]]) => `| \`${code}\` | ${meaning} |\n`).join('')}`;
  });
  return `# What verify can find\n\nRendered from src/verify/findings/findings.ts by \`npm run docs\`. How to read a verdict: [auditors.md](auditors.md).\n\n**Contents**: [Findings](#findings) · [Notices](#notices) · [Could not check](#could-not-check)\n\n${sections.join('\n')}`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/findings.md', import.meta.url), renderFindings());
  const errors = new URL('../../docs/errors.md', import.meta.url);
  writeFileSync(errors, renderErrors(readFileSync(errors, 'utf8')));
  writeFileSync(new URL('../../config.example.yaml', import.meta.url), renderConfigExample());
}
