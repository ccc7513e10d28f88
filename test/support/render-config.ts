/**
 * Renders config.example.yaml from the schema: each member under its description, defaults as they are, members
 * without default with the example that the schema gives, optional ones commented out.
 */
import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';

const HEADER = `# rowseal: every member of the configuration. Rendered from the schema by \`npm run docs\`.
# A value may hold \${NAME}, taken from the environment. Relative paths start at this file's folder.
# Durations: 250ms, 5s, 10m, 2h, 1d. Sizes: 512B, 64KiB, 16MiB. Retentions: 400d, or 7y for calendar years.
`;

export function renderConfigExample(): string {
  return `${HEADER}\n${renderMembers(configSchema, 0).join('\n')}\n`;
}

interface Unwrapped {
  readonly schema: z.core.$ZodType;
  readonly optional: boolean;
  readonly fallback: unknown;
  readonly description: string | undefined;
  readonly example: unknown;
}

function renderMembers(object: z.core.$ZodType, depth: number): string[] {
  const { shape } = (object as z.ZodObject).def;
  return Object.entries(shape).flatMap(([name, member]) => {
    const lines = renderMember(name, unwrap(member), depth);
    return depth === 0 ? [...lines, ''] : lines;
  });
}

function renderMember(name: string, member: Unwrapped, depth: number): string[] {
  const pad = '  '.repeat(depth);
  const comment = member.description === undefined ? [] : [`${pad}# ${member.description}`];
  const { schema } = member;
  if (schema instanceof z.ZodObject && member.example === undefined)
    return [...comment, `${pad}${name}:`, ...renderMembers(schema, depth + 1)];
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const [first, ...others] = schema.def.options as unknown as z.ZodObject[];
    const lines = [...comment, `${pad}${name}:`, ...renderMembers(first as z.ZodObject, depth + 1)];
    for (const other of others)
      lines.push(
        `${pad}# or:`,
        ...[`${pad}${name}:`, ...renderMembers(other, depth + 1)].map(
          (line) => `${pad}# ${line.slice(pad.length)}`,
        ),
      );
    return lines;
  }
  if (
    schema instanceof z.ZodArray &&
    schema.def.element instanceof z.ZodObject &&
    member.example === undefined
  )
    return [...comment, `${pad}${name}:`, ...renderItem(schema.def.element, depth + 1)];
  const value =
    member.example ?? member.fallback ?? (schema instanceof z.ZodLiteral ? schema.def.values[0] : undefined);
  const line = `${pad}${name}: ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()}`;
  return [...comment, member.optional && member.fallback === undefined ? commentedOut(line) : line];
}

/** One list item: its members, the first of them (and its comments) led by the dash. */
function renderItem(element: z.ZodObject, depth: number): string[] {
  const lines = renderMembers(element, depth + 1);
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  const dash = `${'  '.repeat(depth)}- `;
  return lines.map((line, i) => (i === first ? dash + line.trimStart() : line));
}

function commentedOut(line: string): string {
  return line.trimStart().startsWith('#') ? line : line.replace(/^(\s*)/, '$1# ');
}

/** Takes default, optional, pipe and refinement wrappers off, collecting what they say. */
function unwrap(schema: z.core.$ZodType): Unwrapped {
  let current = schema as z.ZodType;
  let optional = false;
  let fallback: unknown;
  let description: string | undefined;
  let example: unknown;
  for (;;) {
    const meta = current.meta() as { description?: string; example?: unknown } | undefined;
    description ??= meta?.description;
    example ??= meta?.example;
    if (current instanceof z.ZodDefault || current instanceof z.ZodPrefault) {
      fallback ??= current.def.defaultValue;
      current = current.def.innerType as z.ZodType;
    } else if (current instanceof z.ZodOptional) {
      optional = true;
      current = current.def.innerType as z.ZodType;
    } else if (current instanceof z.ZodPipe) {
      current = current.def.in as z.ZodType;
    } else {
      return { schema: current, optional, fallback, description, example };
    }
  }
}
