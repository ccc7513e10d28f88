/** Nothing raw is printed: the sources are read for ways round the type that says that a text is clean. */
import { expect, it } from 'vitest';
import { findWaysRound } from '../support/printing.ts';

const IMPORTS = `
import { createWriteStream, writeSync } from 'node:fs';
import { clean, json, type Printable, text } from '../base/text.ts';
import type { CommandIo } from './command.ts';
declare const io: CommandIo;
declare const name: string;
`;

/** Ways to print a name raw, each a statement; the last ones are how it is done. */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: sources
const WAYS = {
  'a raw text': 'io.stdout.write(name);',
  'an untagged template': 'io.stdout.write(`table ${name}`);',
  'a raw text among clean ones': 'io.stdout.write(text`table ${name}`);',
  'a sum': 'io.stdout.write(text`table ` + name);',
  'a joined list': 'io.stdout.write([text`a`, text`b`].join(name));',
  'cleaned and then altered': 'io.stdout.write(clean(name).replace("a", name));',
  'cleaned twice': 'io.stdout.write(clean(clean(name)));',
  bytes: 'io.stdout.write(Buffer.from(name));',
  'an assertion': 'io.stdout.write(name as Printable);',
  'an assertion by way of unknown': 'io.stdout.write(name as unknown as Printable);',
  'an assertion to any': 'io.stdout.write(name as any);',
  'an old assertion': 'io.stdout.write(<Printable>name);',
  'an any': 'io.stdout.write(JSON.parse(name));',
  'an any in a template': 'io.stdout.write(text`table ${JSON.parse(name)}`);',
  'an any by way of a variable': 'const said: Printable = JSON.parse(name); io.stdout.write(said);',
  'an any that is returned': 'const f = (): Printable => JSON.parse(name); io.stdout.write(f());',
  'a silenced error': '// @ts-ignore\nio.stdout.write(name);',
  'an expected error': '// @ts-expect-error\nio.stdout.write(name);',
  'another type of output': '(io.stdout as unknown as CommandIo & { write(t: string): void }).write(name);',
  'the console': 'console.log(name);',
  'the console by another name': 'const { log } = console; log(name);',
  'the console of the world': 'globalThis.console.log(name);',
  'the stream itself': 'process.stdout.write(name);',
  'the stream in an expression': 'process["stderr"].write(name);',
  'the stream taken apart': 'const { stdout } = process; stdout.write(name);',
  'the process by another name': 'const p = process; p.stdout.write(name);',
  'a descriptor': 'writeSync(1, name);',
  'a device': 'createWriteStream("/dev/stdout").write(name);',
  'an error of the process': 'process.emitWarning(name);',
} as const;
const RIGHT = {
  clean: 'io.stdout.write(text`table ${clean(name)}, ${1}\\n`);',
  'as JSON': 'io.stdout.write(text`${json({ name })}\\n`);',
} as const;

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: sources

const probe = (at: number) => `src/commands/probe-${at}.ts`;

it('nothing in the sources prints what is not clean, and whoever tries is found', () => {
  const ways = [...Object.entries(WAYS), ...Object.entries(RIGHT)];
  const probes = Object.fromEntries(
    ways.map(([, statement], at) => [
      probe(at),
      `${IMPORTS}\n${statement}\nvoid [createWriteStream, writeSync, clean, json, text, io, name];\nexport type Probe${at} = Printable;\n`,
    ]),
  );
  const found = findWaysRound(probes);
  expect(found.filter(({ file }) => !(file in probes))).toEqual([]);
  const caught = ways.filter((_, at) => found.some(({ file }) => file === probe(at))).map(([way]) => way);
  expect(caught).toEqual(Object.keys(WAYS));
});
