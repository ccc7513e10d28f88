/**
 * What the README and the guides say must hold: every link leads somewhere, every command line uses verbs and options
 * that there are, every piece of configuration is valid. What the walks tell to do is done in walk-*.test.ts.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ERRORS } from '../../src/base/errors.ts';
import { parseConfig } from '../../src/config/load.ts';
import { rowseal } from '../support/daemon.ts';
import { anchorsOf, blocksOf, GUIDES, linksOf, proseOf, textOf } from '../support/guides.ts';

const PAGES = [...GUIDES, 'src/ARCHITECTURE.md', 'src/trail/FORMAT.md', 'CHANGELOG.md', 'bench/README.md'];

describe('links', () => {
  it.each(PAGES)('of %s lead somewhere', (page) => {
    for (const link of linksOf(page)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : posix.join(posix.dirname(page), path);
      expect(existsSync(new URL(`../../${target}`, import.meta.url)), `${page}: ${link}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(target), `${page}: ${link}`).toContain(anchor);
    }
  });

  it('a guide’s contents name each of its parts, in order', () => {
    for (const page of GUIDES.filter((path) => path !== 'README.md')) {
      const contents = /^\*\*Contents\*\*: [\s\S]*?\n\n/m.exec(textOf(page))?.[0] ?? '';
      const named = [...contents.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
      expect(named, page).toEqual(anchorsOf(page, '##'));
    }
  });

  it('the README is short, and leads to every guide', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThan(150);
    for (const guide of GUIDES.filter((path) => path !== 'README.md'))
      expect(linksOf('README.md')).toContain(guide);
  });
});

/** A command line: what stands in a shell block behind a prompt or at its beginning, and in prose as code. */
interface CommandLine {
  readonly text: string;
  readonly at: string;
}

const COMMAND = /(?:^|[\s'(])(rowseal|npm run(?: -s)?|npm) ([^|;>&#)`]*)/g;

function commandLines(): CommandLine[] {
  return GUIDES.flatMap((page) => {
    const shell = blocksOf(page).flatMap(({ language, text, at }) => {
      const lines = language === 'sh' ? text.split('\n') : [];
      const typed = language === '' ? text.split('\n').filter((line) => /^\s*\$ /.test(line)) : [];
      return [...lines, ...typed].map((line) => ({ line: line.replace(/(?:^|\s)#.*$/, ''), at }));
    });
    const prose = [...proseOf(page).matchAll(/`([^`]+)`/g)]
      .map(([, code]) => ({ line: (code as string).replace(/\s+/g, ' '), at: page }))
      .filter(({ line }) => /^(rowseal|npm) /.test(line));
    return [...shell, ...prose].flatMap(({ line, at }) =>
      [...line.matchAll(COMMAND)].map(([, program, rest]) => ({ text: `${program} ${rest}`.trim(), at })),
    );
  });
}

describe('command lines', async () => {
  const { stdout: all } = await rowseal(['--help']);
  const verbs = [...all.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, verb]) => verb as string);
  const helps = new Map(
    await Promise.all(verbs.map(async (verb) => [verb, (await rowseal([verb, '--help'])).stdout] as const)),
  );
  const lines = commandLines();
  const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts);
  const options = (words: readonly string[]) =>
    words.flatMap((word) => /^(--?[a-z][a-z-]*)/.exec(word)?.slice(1, 2) ?? []);
  const expectOptions = (verb: string, words: readonly string[], at: string) => {
    for (const option of options(words))
      expect(helps.get(verb), `${at}: rowseal ${verb} ${option}`).toMatch(new RegExp(`${option}(?![a-z-])`));
  };

  it('of rowseal use verbs and options that there are', () => {
    const ours = lines.filter(({ text }) => text.startsWith('rowseal '));
    expect(ours.length).toBeGreaterThan(30);
    for (const { text, at } of ours) {
      const [, verb = '', ...words] = text.split(/\s+/);
      if (verb.startsWith('<') || verb === '--help' || verb === '--version') continue;
      expect(verbs, `${at}: ${text}`).toContain(verb);
      expectOptions(verb, words, at);
    }
  });

  it('and their helps, as the hints of errors, send the reader to guides that there are', () => {
    const told = [...helps.values(), ...Object.values(ERRORS).map(({ hint }) => hint)].join('\n');
    expect(told).not.toContain('README');
    const sent = [...told.matchAll(/docs\/[a-z]+\.md/g)].map(([guide]) => guide);
    expect(sent.length).toBeGreaterThan(1);
    expect(GUIDES).toEqual(expect.arrayContaining(sent));
  });

  it('of npm run scripts that there are', () => {
    const npm = lines.filter(({ text }) => text.startsWith('npm run'));
    expect(npm.length).toBeGreaterThan(1);
    for (const { text, at } of npm) {
      const [script = '', ...words] = text.replace(/^npm run (-s )?/, '').split(/\s+/);
      expect(scripts, `${at}: ${text}`).toContain(script);
      if (verbs.includes(script)) expectOptions(script, words.slice(words.indexOf('--') + 1), at);
    }
  });
});

/** What a configuration cannot do without; a guide's piece comes on top. */
const MINIMAL = `store: { type: file, path: ./trails }
signer: { type: file, path: ./log.key }
trails:
  - name: audit.example.com/orders
    source: { type: postgres, url: "postgres://rowseal@db.example.com/orders" }
    tables: [{ match: public.* }]
`;

/** `tables` are a trail's; everything else stands at the top. */
function wholeOf(piece: string): string {
  const { trails, ...rest } = parse(MINIMAL) as { trails: object[] };
  const { tables, ...members } = parse(piece) as { tables?: unknown };
  const hmac = { redaction: { hmac_key_file: './hmac.key' } };
  const trail = { ...trails[0], ...(tables === undefined ? {} : { tables }) };
  return stringify({ ...rest, ...(tables === undefined ? {} : hmac), ...members, trails: [trail] });
}

const blocks = GUIDES.flatMap((page) => blocksOf(page));

it('every piece of configuration is valid', () => {
  const pieces = blocks.filter(({ language }) => language === 'yaml');
  expect(pieces.length).toBeGreaterThan(3);
  for (const { text, at } of pieces) {
    expect(() => parseConfig(/^trails:/m.test(text) ? text : wholeOf(text), at, {}), at).not.toThrow();
  }
});

it('every script of an application, and of a shell, can be parsed', async () => {
  for (const { language, text, at } of blocks) {
    if (language === 'js') expect(() => stripTypeScriptTypes(text), at).not.toThrow();
    if (language !== 'sh') continue;
    // A position that the reader has to fill in reads like a redirection.
    const script = text.replace(/<[a-z ]+>/g, 'POSITION');
    await promisify(execFile)('bash', ['-n', '-c', script]).catch((error: Error) =>
      expect.fail(`${at}: ${error.message}`),
    );
  }
});

it('every language of a block is one that a test reads', () => {
  for (const { language, at } of blocks)
    expect(['sh', 'sql', 'yaml', 'json', 'js', 'ini', ''], at).toContain(language);
  const read = ['docs/postgres.md The ten-minute walk', 'docs/mysql.md The walk', 'docs/applications.md '];
  for (const { language, under, at } of blocks.filter((block) => block.language === 'sql'))
    expect(
      read.some((place) => `${at.split(':')[0]} ${under[1] ?? ''}`.startsWith(place)),
      `${language} at ${at} is executed by no test`,
    ).toBe(true);
});

it('the package holds what the README leads to', () => {
  const { files } = JSON.parse(textOf('package.json')) as { files: string[] };
  expect(files).toEqual(expect.arrayContaining(['README.md', 'docs']));
});
