/**
 * Reads a configuration file: YAML, then ${ENV} in every string, then the schema. Must never print a value that
 * came from the environment: messages name members, not contents.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { RowsealError } from '../base/errors.ts';
import { nearestName } from './nearest.ts';
import { type Config, configSchema } from './schema.ts';

/** A checked configuration with its paths made absolute. Throws `config_invalid`. */
export function loadConfig(path: string, env: Readonly<Record<string, string | undefined>>): Config {
  const config = parseConfig(readText(path, 'the configuration'), path, env);
  const folder = dirname(resolve(path));
  const absolute = (file: string) => resolve(folder, file);
  return {
    ...config,
    store:
      config.store.type === 'file' ? { ...config.store, path: absolute(config.store.path) } : config.store,
    signer: { ...config.signer, path: absolute(config.signer.path) },
    spool: { ...config.spool, path: absolute(config.spool.path) },
    redaction:
      config.redaction.hmac_key_file === undefined
        ? config.redaction
        : { ...config.redaction, hmac_key_file: absolute(config.redaction.hmac_key_file) },
    trails: config.trails.map((trail) => ({
      ...trail,
      source:
        trail.source.password_file === undefined
          ? trail.source
          : { ...trail.source, password_file: absolute(trail.source.password_file) },
    })),
  };
}

/** Parses configuration text; `origin` names it in messages. Paths stay as written. Throws `config_invalid`. */
export function parseConfig(
  text: string,
  origin: string,
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: false });
  const problem = document.errors[0];
  if (problem !== undefined) throw invalid(origin, [problem.message.split('\n')[0] ?? 'not YAML']);
  const missing: string[] = [];
  const raw = expand(document.toJS({ maxAliasCount: 0 }), env, '', missing);
  if (missing.length > 0) throw invalid(origin, missing);
  const result = configSchema.safeParse(raw, { reportInput: true });
  if (!result.success) throw invalid(origin, result.error.issues.map(describeIssue));
  const problems = crossChecks(result.data);
  if (problems.length > 0) throw invalid(origin, problems);
  return result.data;
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      throw new RowsealError('config_invalid', `Cannot read ${what} ${path}: ${code}.`, { cause });
    throw new RowsealError('config_invalid', `There is no file ${path}: ${what} could not be read.`, {
      cause,
      hint: `Give its path; the working folder is ${process.cwd()}.`,
    });
  }
}

/** Replaces ${NAME} in every string below `value`; $${ is a literal ${. */
function expand(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  at: string,
  missing: string[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      const found = env[name];
      if (found === undefined) missing.push(`${at}: the environment has no ${name}`);
      return found ?? '';
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => expand(item, env, `${at}[${i}]`, missing));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        expand(item, env, at === '' ? key : `${at}.${key}`, missing),
      ]),
    );
  }
  return value;
}

/** One line for an operator: where, what, and the nearest known name for a member that does not exist. */
function describeIssue(issue: z.core.$ZodIssue): string {
  const at = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return `${at}: is missing (${issue.expected})`;
  if (issue.code !== 'unrecognized_keys') return `${at || 'the file'}: ${issue.message}`;
  const kinds = kindsAt(issue.path);
  const type = (issue.input as { type?: unknown } | undefined)?.type;
  const own = kinds.filter(({ types }) => kinds.length === 1 || types.includes(String(type)));
  return issue.keys
    .map((key) => {
      const place = at === '' ? key : `${at}.${key}`;
      const others = kinds.filter(({ members }) => members.includes(key)).flatMap(({ types }) => types);
      if (others.length > 0)
        return `${place}: belongs to type ${others.join(' or ')}, not to ${String(type)}`;
      const near = nearestName(
        key,
        own.flatMap(({ members }) => members),
      );
      return near === undefined
        ? `${place}: no such member`
        : `${place}: no such member; did you mean ${near}?`;
    })
    .join('; ');
}

/** What the schema knows below a path: one kind of object, or those of a union, which `type` tells apart. */
function kindsAt(path: readonly PropertyKey[]): { readonly types: string[]; readonly members: string[] }[] {
  let schemas: unknown[] = [configSchema];
  for (const part of path) schemas = schemas.flatMap(branches).flatMap((schema) => step(schema, part));
  return schemas.flatMap(branches).map((schema) => {
    const shape = shapeOf(schema) ?? {};
    const { values = [], entries = {} } = (shape['type'] as Introspectable | undefined)?.def ?? {};
    return { types: [...values, ...Object.values(entries)], members: Object.keys(shape) };
  });
}

interface Introspectable {
  def?: {
    type?: string;
    innerType?: unknown;
    in?: unknown;
    element?: unknown;
    options?: unknown[];
    shape?: Record<string, unknown>;
    /** Of a literal, and of an enum. */
    values?: string[];
    entries?: Record<string, string>;
  };
}
const shapeOf = (schema: unknown) => (schema as Introspectable).def?.shape;

function branches(schema: unknown): unknown[] {
  const def = (schema as Introspectable).def;
  if (def?.options !== undefined) return def.options.flatMap(branches);
  const inner = def?.innerType ?? def?.in;
  return inner === undefined ? [schema] : branches(inner);
}

function step(schema: unknown, part: PropertyKey): unknown[] {
  const def = (schema as Introspectable).def;
  const next = typeof part === 'number' ? def?.element : def?.shape?.[String(part)];
  return next === undefined ? [] : [next];
}

/** What one member alone cannot tell. */
function crossChecks(config: Config): string[] {
  const problems: string[] = [];
  const names = config.trails.map((trail) => trail.name);
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i)
      problems.push(`trails[${i}].name: ${name} stands twice; a trail has one source`);
    if (names.some((other) => other !== name && other.startsWith(`${name}/`)))
      problems.push(`trails[${i}].name: another trail lies inside ${name}`);
  });
  const hmac = config.trails.some((trail) =>
    trail.tables.some((table) => Object.values(table.columns).includes('hmac')),
  );
  if (hmac && config.redaction.hmac_key_file === undefined)
    problems.push('redaction.hmac_key_file: needed, since a table has an hmac column');
  const places = config.trails.map(({ source }) =>
    source.type === 'postgres' ? `${source.url} ${source.slot}` : `${source.url} ${source.server_id}`,
  );
  config.trails.forEach(({ source, tables }, i) => {
    if (places.indexOf(places[i] as string) !== i)
      problems.push(
        source.type === 'postgres'
          ? `trails[${i}].source.slot: the slot of another trail; each needs its own`
          : `trails[${i}].source.server_id: the number of another trail; each needs its own`,
      );
    if (source.type === 'postgres') return;
    tables.forEach((table, j) => {
      if (table.replica_identity === 'full')
        problems.push(
          `trails[${i}].tables[${j}].replica_identity: full is Postgres's; here binlog_row_image = FULL on the server sends old values, for all tables: leave the member out`,
        );
    });
  });
  return problems;
}

function invalid(origin: string, problems: readonly string[]): RowsealError {
  const text = problems.length === 1 ? ` ${problems[0]}` : `\n  ${problems.join('\n  ')}`;
  return new RowsealError('config_invalid', `${origin}:${text}`, { details: { problems: [...problems] } });
}
