/**
 * What `npm run check` holds the layout of src to, beside the layers (.dependency-cruiser.json): a folder has few files, no
 * two folders import each other, at whatever depth, and no function is long. Tests are no part of it.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

const MAX_FILES = 16;
const MAX_LINES = 80;

/** An import, from one file of src to another. */
interface Arrow {
  readonly from: string;
  readonly to: string;
}

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
const sources = files.map((file) => read(file));
const arrows = sources.flatMap(arrowsOf);
const problems = [...crowded(files), ...circles(arrows), ...pairs(arrows), ...sources.flatMap(longFunctions)];
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);

function read(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

function arrowsOf(source: ts.SourceFile): Arrow[] {
  const from = source.fileName;
  const found: Arrow[] = [];
  const visit = (node: ts.Node): void => {
    const named =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (named !== undefined && ts.isStringLiteral(named) && named.text.startsWith('.')) {
      found.push({ from, to: normalize(join(dirname(from), named.text)) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function crowded(all: readonly string[]): string[] {
  return [...Map.groupBy(all, (file) => dirname(file))]
    .filter(([, inside]) => inside.length > MAX_FILES)
    .map(
      ([folder, inside]) => `${folder}: ${inside.length} files, more than ${MAX_FILES}: find the rooms in it`,
    );
}

/** A folder's own files are a layer: whoever follows its imports must not come back to it. */
function circles(all: readonly Arrow[]): string[] {
  const next = new Map<string, Map<string, Arrow>>();
  for (const arrow of all) {
    const [from, to] = [dirname(arrow.from), dirname(arrow.to)];
    if (from === to) continue;
    const out = next.get(from) ?? new Map<string, Arrow>();
    if (!out.has(to)) out.set(to, arrow);
    next.set(from, out);
  }
  const done = new Set<string>();
  const way: string[] = [];
  const found: string[] = [];
  const walk = (folder: string): void => {
    const at = way.indexOf(folder);
    if (at !== -1) {
      const round = [...way.slice(at), folder];
      const steps = round.slice(1).map((to, i) => told(next.get(round[i]!)!.get(to)!));
      found.push(`folders import each other in a circle: ${round.join(' → ')}\n  ${steps.join('\n  ')}`);
    }
    if (at !== -1 || done.has(folder)) return;
    way.push(folder);
    for (const to of next.get(folder)?.keys() ?? []) walk(to);
    way.pop();
    done.add(folder);
  };
  for (const folder of [...next.keys()].sort()) walk(folder);
  return found;
}

/** Two folders with all that is below them, neither inside the other. */
function pairs(all: readonly Arrow[]): string[] {
  const seen = new Map<string, Arrow>();
  for (const arrow of all) {
    for (const from of above(arrow.from)) {
      for (const to of above(arrow.to)) {
        const nested = `${from}/`.startsWith(`${to}/`) || `${to}/`.startsWith(`${from}/`);
        if (!nested) seen.set(`${from} ${to}`, arrow);
      }
    }
  }
  return [...seen].flatMap(([pair, arrow]) => {
    const [from, to] = pair.split(' ') as [string, string];
    const back = from < to ? seen.get(`${to} ${from}`) : undefined;
    return back === undefined
      ? []
      : [`${from} and ${to} import each other:\n  ${told(arrow)}\n  ${told(back)}`];
  });
}

/** The folders that a file is in. */
function above(file: string): string[] {
  const parts = dirname(file).split('/');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/')).slice(1);
}

function told({ from, to }: Arrow): string {
  return `${from} → ${to}`;
}

function longFunctions(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const line = (at: number) => source.getLineAndCharacterOfPosition(at).line + 1;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const [first, last] = [line(node.getStart()), line(node.end)];
      const name = (node.name ?? (node.parent as { name?: ts.Node }).name)?.getText() ?? 'a function';
      const length = last - first + 1;
      if (length > MAX_LINES)
        found.push(`${source.fileName}:${first}: ${name} has ${length} lines, more than ${MAX_LINES}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
