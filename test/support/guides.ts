/** The README and the guides in docs/ as tests read them: their headings, links and fenced blocks, in order. */
import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

/** Paths from the root: what a user reads first. */
export const GUIDES: readonly string[] = [
  'README.md',
  ...readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
];

export interface Block {
  /** `sh`, `sql`, `yaml`, …; empty for what a program prints. */
  readonly language: string;
  readonly text: string;
  /** The headings that it stands under, from the title down. */
  readonly under: readonly string[];
  /** `docs/postgres.md:17`, for messages. */
  readonly at: string;
}

export function textOf(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

export function blocksOf(path: string): Block[] {
  const blocks: Block[] = [];
  let under: string[] = [];
  let open: { language: string; lines: string[]; line: number } | null = null;
  for (const [at, line] of textOf(path).split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null && open !== null) {
      const { language, lines, line: opened } = open;
      blocks.push({ language, text: `${lines.join('\n')}\n`, under, at: `${path}:${opened}` });
      open = null;
    } else if (fence !== null) open = { language: fence[1] as string, lines: [], line: at + 1 };
    else if (open !== null) open.lines.push(line);
    else {
      const [, marks = '', title = ''] = /^(#+) (.+)$/.exec(line) ?? [];
      if (marks !== '') under = [...under.slice(0, marks.length - 1), title];
    }
  }
  if (open !== null) throw new Error(`${path}: the block of line ${open.line} does not end`);
  return blocks;
}

/** The blocks of one section, those of its subsections too. */
export function blocksUnder(path: string, heading: string): Block[] {
  const blocks = blocksOf(path).filter(({ under }) => under.includes(heading));
  if (blocks.length === 0) throw new Error(`${path} has no block under ${heading}`);
  return blocks;
}

/** What is not in a fenced block. */
export function proseOf(path: string): string {
  return textOf(path).replace(/^```[\s\S]*?^```$/gm, '');
}

/** Targets of a page's links, `path#anchor`. */
export function linksOf(path: string): string[] {
  const prose = proseOf(path).replace(/`[^`\n]*`/g, (code) => code.replaceAll('[', ' '));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string);
}

/** The anchors that GitHub makes of a page's headings; `marks`: of those of one level. */
export function anchorsOf(path: string, marks = '#+'): string[] {
  const seen = new Map<string, number>();
  return [...proseOf(path).matchAll(new RegExp(`^${marks} (.+)$`, 'gm'))].map(([, title]) => {
    const anchor = (title as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** Lines in which times, positions, counts, hashes and white space are alike: what differs from run to run. */
export function masked(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/\S{25,}/g, '@')
        .replace(/[0-9A-F]*\d[0-9A-F]*/g, '#')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}
