/**
 * Each member of each record of the vector of level 2, gone or of a type that it never has, signed and chained: what the
 * format marks is found, at that very record, and of the rest nothing is said. The tables below say which is which.
 */
import { expect, it } from 'vitest';
import { buildTrail, type Loose } from '../../test/support/trail-builder.ts';
import { draftsOfTrail2 } from '../../test/support/vectors/trail-2.ts';
import { verified } from '../../test/support/verified.ts';

/** Kinds (of change the action, of difference how, of ddl the event) and their members, by the path of names. */
type Table = Readonly<Record<string, string>>;

/** May be gone, and hold anything. */
const FREE: Table = {
  access: 'actor.id target target.trail',
  acknowledged: 'who.user who.host',
  auth:
    'actor.id target.database connection code connection.user connection.application ' + 'connection.address',
  baseline: 'after.id upto.id at.snapshot at.high rows.0.id rows.0.no rows.0.name',
  'change delete': 'actor.id attribution.via',
  'change insert': 'actor.id attribution.via',
  'change truncate': 'actor.id attribution.via options.cascade options.restart_identity',
  'change update':
    'actor.id attribution.via actor.on_behalf_of.id reason session request user_agent traceparent ' +
    'extra extra.tenant connection connection.user connection.application connection.address ' +
    'connection.pid',
  'ddl ddl_command_end':
    'actor.id attribution.via target.schema target.type target.identity event in_extension ' +
    'statement_dropped',
  'ddl observed': 'target.type target.identity new.login new.member_of new.member_of.0',
  'difference differs': 'target.key.id trail.name table.name last.leaf',
  'difference only_in_table': 'target.key.id table.id table.no table.name table.wishes table.wishes.size',
  'difference only_in_trail': 'target.key.id trail.id trail.no trail.name last.leaf',
  gap: 'details details.table',
  genesis: 'source.type source.incarnation',
  lifecycle:
    'time details.configuration details.tables details.captured details.configuration.tables ' +
    'details.tables.0 details.captured.0 details.problems',
  reconcile: 'at.snapshot at.high reasons reasons.0 trail.through columns differences columns.0 not_compared',
  relation:
    'time target.schema target.table columns.0 columns.0.name columns.0.type columns.0.encoding ' +
    'columns.0.identity key key.0 replica_identity partition_of context_trigger ancestry',
  tamper: 'details.table actor.id attribution.via',
};

/** May be gone; where it is there, it is held to a form. */
const OPTIONAL: Table = {
  acknowledged: 'signature',
  baseline: 'salt encoded',
  'change insert': 'encoded',
  'change update': 'actor.on_behalf_of encoded before salt',
  'ddl ddl_command_end': 'targets.0.schema targets.0.table targets.0.kind targets.0.oid targets.0.columns',
  'ddl observed': 'targets.0.schema targets.0.kind',
  'difference differs': 'salt',
  'difference more': 'salt',
  'difference only_in_table': 'salt encoded',
  'difference only_in_trail': 'salt encoded',
  gap: 'transaction',
  relation: 'target.oid columns.0.number numbers salt',
  tamper: 'transaction',
};

/** Must be there, and may hold anything. */
const ANY: Table = {
  'change delete': 'target.key.id',
  'change insert': 'target.key.id',
  'change update': 'target.key.id target.key.no',
};

interface Place {
  readonly seal: number;
  readonly className: string;
  readonly i: number;
  readonly leaf: number;
  readonly label: string;
  readonly record: Loose;
  readonly paths: readonly string[];
}

const drafts = draftsOfTrail2([]);
const places = placesOf();

function placesOf(): Place[] {
  let leaf = 0;
  return drafts.flatMap(({ records }, seal) => {
    const inSeal = Object.entries(records).flatMap(([className, lines]) =>
      lines.map((text, i): Place => {
        const record = JSON.parse(text) as Loose;
        return { seal, className, i, leaf: leaf++, label: labelOf(record), record, paths: pathsOf(record) };
      }),
    );
    leaf += 1;
    return inSeal;
  });
}

function labelOf({ kind, action, how, event }: Loose): string {
  const which = kind === 'change' ? action : kind === 'ddl' ? event : how;
  return which === undefined ? kind : `${kind} ${which}`;
}

/** Three names deep, of lists their first item. */
function pathsOf(value: unknown, depth = 3): string[] {
  if (typeof value !== 'object' || value === null || depth === 0) return [];
  const names = Array.isArray(value) ? Object.keys(value).slice(0, 1) : Object.keys(value);
  return names.flatMap((name) => {
    // What `encoded` points at is not known by its name.
    if (name === 'encoded') return [name];
    const below = pathsOf((value as Loose)[name], depth - 1);
    return [name, ...below.map((path) => `${name}.${path}`)];
  });
}

/** The record with that member gone (of a list: null), or with `put` in its place. */
function spoiled(record: Loose, path: string, put: unknown): string {
  const copy = structuredClone(record);
  const steps = path.split('.');
  const last = steps.pop()!;
  const at = steps.reduce<Loose>((inner, step) => inner[step] as Loose, copy);
  at[last] = put;
  return JSON.stringify(copy);
}

/** Labels and paths of the members at which, `put` in their place, no record of the label is found. */
async function unheld(put: unknown): Promise<string[]> {
  const all = new Set<string>();
  const held = new Set<string>();
  const isFirst = ({ leaf }: Place) => leaf === 0;
  // Whether genesis is there at all is seen only where its segment is else sound.
  for (const group of [places.filter(isFirst), places.filter((place) => !isFirst(place))]) {
    for (let round = 0; group.some(({ paths }) => round < paths.length); round++) {
      const leaves = await leavesFound(group, round, put);
      for (const { leaf, label, paths } of group) {
        if (round < paths.length) all.add(`${label}: ${paths[round]}`);
        if (leaves.has(leaf)) held.add(`${label}: ${paths[round]}`);
      }
    }
  }
  return [...all.difference(held)].sort();
}

/** One member of each record of the group spoiled: the leaves of findings. */
async function leavesFound(group: readonly Place[], round: number, put: unknown): Promise<Set<number>> {
  const lines = drafts.map(({ records }) => structuredClone(records) as Record<string, string[]>);
  for (const { seal, className, i, record, paths } of group) {
    if (round < paths.length) lines[seal]![className]![i] = spoiled(record, paths[round]!, put);
  }
  const objects = await buildTrail(drafts.map((draft, seal) => ({ ...draft, records: lines[seal]! })));
  const { findings } = await verified(objects);
  return new Set(
    findings.flatMap(({ code, leaf }) =>
      code === 'genesis_missing' ? [0] : leaf === undefined ? [] : [leaf],
    ),
  );
}

const listed = (...tables: readonly Table[]): string[] =>
  tables
    .flatMap((table) => Object.entries(table))
    .flatMap(([label, members]) =>
      members
        .trim()
        .split(/\s+/)
        .map((member) => `${label}: ${member}`),
    )
    .sort();

it('may be gone where the format marks nothing, and nowhere else', async () => {
  expect(await unheld(undefined)).toEqual(listed(FREE, OPTIONAL));
});

it('may hold anything where the format marks nothing, and nowhere else', async () => {
  // No member of any record is `true`, but for one that is free.
  expect(await unheld(true)).toEqual(listed(FREE, ANY));
});

const OF_TRAIL = ['acknowledged', 'ddl', 'gap', 'genesis', 'key', 'lifecycle', 'reconcile', 'tamper'];
const kinds = [...new Set(places.map(({ record }) => record['kind'] as string))].sort();

it.each(kinds)('%s stands where the format says, and not in the other kind of class', async (kind) => {
  const place = places.find(({ record }) => record['kind'] === kind)!;
  expect(place.className === 'trail').toBe(OF_TRAIL.includes(kind));
  const all = [...drafts];
  const draft = all[place.seal]!;
  const text = draft.records[place.className]![place.i]!;
  const other = place.className === 'trail' ? 'default' : 'trail';
  all[place.seal] = {
    ...draft,
    records: { ...draft.records, [other]: [...(draft.records[other] ?? []), text] },
  };
  expect((await verified(await buildTrail(all))).codes).toContain('record_class');
});
