/**
 * The member `targets` of a ddl record of level 2: what the statement did, to every object that it names (FORMAT.md
 * section 11). A reader drops or keeps rows by it, so a list that contradicts itself is no list.
 */
import { DDL_EFFECTS, LONE_EFFECTS } from '../../../trail/ddl-effects.ts';
import { first, isCount, isListOf, isMembers, isText, type Members } from './members.ts';

/** Name of the first member that is missing or malformed, or null. */
export function targetsFault({ targets }: Members): string | null {
  if (!isListOf(targets, isMembers) || targets.length === 0) return 'targets';
  for (const target of targets) {
    const fault = targetFault(target);
    if (fault !== null) return `targets.${fault}`;
  }
  return null;
}

function targetFault(target: Members): string | null {
  const { kind, oid, effects, becomes, columns } = target;
  const name = nameFault(target);
  if (name !== null) return name;
  if (!isListOf(effects, isText) || effects.length === 0) return 'effects';
  const touched = effects.includes('columns') || effects.includes('replaces');
  return first([
    ['kind', kind === undefined || (isText(kind) && kind === kind.toLowerCase())],
    ['oid', oid === undefined || isCount(oid)],
    ['effects', effects.every((effect) => DDL_EFFECTS.has(effect))],
    ['effects', new Set(effects).size === effects.length],
    ['effects', effects.length === 1 || !effects.some((effect) => LONE_EFFECTS.has(effect))],
    ['effects', isNamed(target) || effects[0] === 'unknown'],
    ['becomes', effects.includes('renames') ? isNewName(becomes) : becomes === undefined],
    ['columns', columns === undefined || (touched && isListOf(columns, isNumber))],
  ]);
}

/** `schema` may be null; `table` is the name of a table, `name` of all else. */
function nameFault({ schema, table, name }: Members): string | null {
  return first([
    ['schema', schema === undefined || schema === null || isText(schema)],
    ['table', table === undefined || isText(table)],
    ['name', name === undefined || (isText(name) && table === undefined)],
  ]);
}

/** Whether it says which object it is: a schema that is null does not. */
function isNamed({ schema, table, name, oid }: Members): boolean {
  return isText(schema) || table !== undefined || name !== undefined || oid !== undefined;
}

function isNewName(becomes: unknown): boolean {
  if (!isMembers(becomes) || nameFault(becomes) !== null || becomes['schema'] === undefined) return false;
  return becomes['table'] !== undefined || becomes['name'] !== undefined;
}

function isNumber(value: unknown): value is number {
  return isCount(value) && value > 0;
}
