import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { renderConfigExample } from './render-config.ts';
import { renderErrors, renderFindings } from './render-docs.ts';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('config.example.yaml is what the schema renders (npm run docs), and is a valid configuration', () => {
  expect(text('config.example.yaml')).toBe(renderConfigExample());
  expect(parseConfig(text('config.example.yaml'), 'config.example.yaml', {}).trails).toHaveLength(1);
});

it('the codes in docs/errors.md are what the table renders (npm run docs)', () => {
  expect(text('docs/errors.md')).toBe(renderErrors(text('docs/errors.md')));
});

it('docs/findings.md is what the table renders (npm run docs)', () => {
  expect(text('docs/findings.md')).toBe(renderFindings());
});
