/**
 * Reads the sources for ways round `Printable`. The compiler refuses a raw text where one is asked for; what is left is an
 * assertion, an `any`, a silenced error, and a stream that asks for nothing: each is a finding here.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where Printables are made, and the only file that may hold a process's streams, to hand them to `guarded`. */
const [MAKER, HOLDER] = ['src/base/text.ts', 'src/main.ts'];

const BRANDS = /\b(?:Printable|RecordBytes|Output|CommandIo|any|never)\b/;
/** Files in which a Printable may be asked for: asking the compiler about all the others takes half a minute. */
const PRINTS = /\/text\.ts'|\.write\(|\bhelp:/;
const DEVICES = /^\/dev\/(?:stdout|stderr|tty|fd\b)|^\/proc\/self\/fd\b/;
/** What the sources may ask of `process` by name. */
const HARMLESS = new Set(
  'argv argv0 env execPath exit exitCode kill memoryUsage nextTick off on once pid platform arch stdin versions version getuid getgid setuid setgid geteuid umask cwd hrtime uptime'.split(
    ' ',
  ),
);

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

/** `probes`: further files, by path below the root, read instead of what may stand there. Compiler errors count in them alone. */
export function findWaysRound(probes: Readonly<Record<string, string>> = {}): Finding[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: ['src'], exclude: ['**/*.test.ts'] },
    ts.sys,
    ROOT,
  );
  const host = ts.createCompilerHost(options);
  const added = new Map(Object.entries(probes).map(([path, source]) => [join(ROOT, path), source]));
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => added.has(path) || fileExists(path);
  host.readFile = (path) => added.get(path) ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const source = added.get(path);
    return source === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, source, version, true);
  };
  const roots = [...sourcesOf('src'), ...added.keys()];
  const program = ts.createProgram(roots, options, host);
  const checker = program.getTypeChecker();
  const found: Finding[] = [];
  for (const file of program.getSourceFiles()) {
    const path = relative(ROOT, file.fileName);
    if (!path.startsWith('src/') || path === MAKER) continue;
    const say = (node: ts.Node, what: string) =>
      found.push({
        file: path,
        line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
        what,
      });
    walk(file, path, checker, say);
    if (/@ts-(?:ignore|expect-error|nocheck)/.test(file.text)) say(file, 'a silenced compiler error');
    if (!added.has(file.fileName)) continue;
    for (const { start = 0, messageText } of program.getSemanticDiagnostics(file))
      found.push({
        file: path,
        line: file.getLineAndCharacterOfPosition(start).line + 1,
        what: `refused: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      });
  }
  return found;
}

function sourcesOf(folder: string): string[] {
  return ts.sys
    .readDirectory(join(ROOT, folder), ['.ts'])
    .filter((path) => !path.endsWith('.test.ts') && dirname(path) !== ROOT);
}

type Say = (node: ts.Node, what: string) => void;

function walk(node: ts.Node, path: string, checker: ts.TypeChecker, say: Say): void {
  const prints = PRINTS.test(node.getSourceFile().text);
  if (ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) {
    if (BRANDS.test(node.type.getText())) say(node, `an assertion to ${node.type.getText()}`);
  } else if (ts.isStringLiteralLike(node)) {
    if (DEVICES.test(node.text)) say(node, `the device ${node.text}`);
    if (/^(?:node:)?(?:process|console)$/.test(node.text) && ts.isImportDeclaration(node.parent))
      say(node, `an import of ${node.text}`);
  } else if (ts.isIdentifier(node)) judgeName(node, path, say);
  else if (ts.isCallExpression(node) && isDescriptor(node)) say(node, 'a write to a descriptor');
  if (prints && ts.isExpression(node) && isUntyped(node, checker))
    say(node, 'an any where a Printable is asked for');
  if (ts.isTemplateExpression(node) && ts.isTaggedTemplateExpression(node.parent)) {
    const isTag = returnsPrintable(node.parent, checker);
    for (const { expression } of node.templateSpans)
      if (isTag && checker.getTypeAtLocation(expression).flags & (ts.TypeFlags.Any | ts.TypeFlags.Never))
        say(expression, 'an any in a Printable');
  }
  ts.forEachChild(node, (child) => walk(child, path, checker, say));
}

function judgeName(node: ts.Identifier, path: string, say: Say): void {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return;
  }
  if (node.text === 'globalThis' || node.text === 'console') say(node, node.text);
  if (node.text !== 'process' || ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) return;
  const member = ts.isPropertyAccessExpression(parent) ? parent.name.text : '?';
  if (HARMLESS.has(member)) return;
  if (path === HOLDER && (member === 'stdout' || member === 'stderr') && isHanded(parent)) return;
  say(node, `process.${member}`);
}

/** Files are opened: a descriptor as a number is the process's own. */
function isDescriptor({ expression, arguments: [first] }: ts.CallExpression): boolean {
  if (first === undefined || !ts.isNumericLiteral(first) || !['1', '2'].includes(first.text)) return false;
  return /\b(?:write|append)\w*$/.test(expression.getText());
}

/** `guarded(process.stdout)`, or `process.stdout.on('error', …)`. */
function isHanded(stream: ts.Node): boolean {
  const { parent } = stream;
  if (ts.isCallExpression(parent)) return parent.expression.getText() === 'guarded';
  return ts.isPropertyAccessExpression(parent) && parent.name.text === 'on';
}

function isUntyped(node: ts.Expression, checker: ts.TypeChecker): boolean {
  if (!(checker.getTypeAtLocation(node).flags & (ts.TypeFlags.Any | ts.TypeFlags.Never))) return false;
  const wanted = checker.getContextualType(node);
  return wanted !== undefined && isPrintable(wanted, checker);
}

function returnsPrintable(tagged: ts.TaggedTemplateExpression, checker: ts.TypeChecker): boolean {
  return isPrintable(checker.getTypeAtLocation(tagged), checker);
}

function isPrintable(type: ts.Type, checker: ts.TypeChecker): boolean {
  return /\b(?:Printable|RecordBytes)\b/.test(checker.typeToString(type));
}
