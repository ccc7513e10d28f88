/**
 * What a statement did to each object that it names (FORMAT.md section 11, ddl), as the source says it in `targets` of
 * its message. Whoever can write such a message may have written it: what is not by the rules is `unknown` as a whole,
 * never passed on and never taken for less than it may be.
 */
import { DDL_EFFECTS, LONE_EFFECTS } from '../../trail/ddl-effects.ts';
import { isObject, textOf } from '../attribution/envelope.ts';
import type { JsonTree } from '../values/json-tree.ts';

/** What is said where nothing is understood: it ends what is known of every table. */
export const UNKNOWN_TARGETS = '[{"effects":["unknown"]}]';

const MEMBERS = new Set(['schema', 'table', 'name', 'kind', 'oid', 'effects', 'becomes', 'columns']);
const NUMBER = /^[1-9][0-9]{0,9}$/;
/** Names nothing. */
const NO_SCHEMA = ',"schema":null';

/** JSON text of the targets, in the member order of FORMAT.md; `UNKNOWN_TARGETS` where any of them breaks a rule. */
export function ddlTargets(tree: JsonTree | undefined): string {
  if (!Array.isArray(tree) || tree.length === 0) return UNKNOWN_TARGETS;
  const targets = tree.map(targetOf);
  return targets.includes(null) ? UNKNOWN_TARGETS : `[${targets.join(',')}]`;
}

function targetOf(tree: JsonTree): string | null {
  if (!isObject(tree) || Object.keys(tree).some((name) => !MEMBERS.has(name))) return null;
  const { kind, oid, columns } = tree;
  const place = placeOf(tree);
  const effects = effectsOf(tree['effects']);
  if (place === null || effects === null) return null;
  const isNamed = !['', NO_SCHEMA].includes(place) || oid !== undefined;
  if (!isNamed && !effects.includes('unknown')) return null;
  if (kind !== undefined && !(isString(kind) && textOf(kind) === textOf(kind)?.toLowerCase())) return null;
  if (oid !== undefined && !isNumber(oid)) return null;
  const becomes = tree['becomes'];
  if ((becomes !== undefined) !== effects.includes('renames')) return null;
  const renamed = becomes === undefined ? '' : becomesOf(becomes);
  if (renamed === null) return null;
  if (columns !== undefined) {
    if (!Array.isArray(columns) || !columns.every(isNumber)) return null;
    if (!effects.includes('columns') && !effects.includes('replaces')) return null;
  }
  const members = [
    place,
    kind === undefined ? '' : `,"kind":${text(kind)}`,
    oid === undefined ? '' : `,"oid":${String(oid)}`,
    `,"effects":${JSON.stringify(effects)}`,
    renamed,
    columns === undefined ? '' : `,"columns":[${columns.join(',')}]`,
  ].join('');
  return `{${members.slice(1)}}`;
}

/** `,"schema":…,"table":…`, or `name`; empty where it names nothing, null where it is malformed. */
function placeOf(tree: { readonly [name: string]: JsonTree }): string | null {
  const { schema, table, name } = tree;
  if (table !== undefined && name !== undefined) return null;
  let place = '';
  if (schema !== undefined) {
    if (!isString(schema) && schema !== 'null') return null;
    place += `,"schema":${text(schema)}`;
  }
  for (const [member, value] of [
    ['table', table],
    ['name', name],
  ] as const) {
    if (value === undefined) continue;
    if (!isString(value)) return null;
    place += `,"${member}":${text(value)}`;
  }
  return place;
}

function effectsOf(tree: JsonTree | undefined): string[] | null {
  if (!Array.isArray(tree) || tree.length === 0) return null;
  const words = tree.map((word) => (isString(word) ? textOf(word) : null));
  const known = words.filter((word) => word !== null && DDL_EFFECTS.has(word)) as string[];
  if (known.length !== words.length || new Set(known).size !== known.length) return null;
  return known.length > 1 && known.some((word) => LONE_EFFECTS.has(word)) ? null : known;
}

function becomesOf(tree: JsonTree): string | null {
  if (!isObject(tree) || Object.keys(tree).length !== 2) return null;
  const place = placeOf(tree);
  if (place === null || tree['schema'] === undefined) return null;
  return `,"becomes":{${place.slice(1)}}`;
}

function isString(tree: JsonTree | undefined): boolean {
  return typeof tree === 'string' && tree.startsWith('"');
}

function isNumber(tree: JsonTree): boolean {
  return typeof tree === 'string' && NUMBER.test(tree);
}

function text(tree: JsonTree): string {
  return JSON.stringify(textOf(tree));
}
