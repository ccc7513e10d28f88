/**
 * What setup would do, decided from facts: pure. A plan that holds a refusal must not be run, not even in part.
 * The order keeps the application safe at every step: identities are set before tables are published.
 */

import type { Plan, Step } from '../../preflight.ts';
import { EVENT_TRIGGERS, type PreflightFacts } from '../preflight/facts.ts';
import { judgeTables, qualified } from '../preflight/tables.ts';
import { KIT_VERSION, type PreflightWish } from '../preflight/wish.ts';
import { quoteIdentifier, quoteLiteral, quoteRegclass } from '../sql/quote.ts';

/** The SQL files of the kit, as they stand in sql/postgres. */
export interface KitFiles {
  readonly kit: string;
  readonly role: string;
  readonly publication: string;
  readonly uninstall: string;
}

/** `passwordVerifier`: set where the capture role needs a (new) password. */
export function planSetup(
  facts: PreflightFacts,
  wish: PreflightWish,
  files: KitFiles,
  passwordVerifier: string | null,
): Plan {
  const publicationPlan = planPublication(facts, wish, files);
  const settled =
    facts.publication === null
      ? null
      : { ...facts.publication, generated: facts.publication.generated === null ? null : true };
  const verdicts = judgeTables(facts.tables, wish.tables, settled, facts.server.version);
  const refused = [
    ...refusedServer(facts),
    ...publicationPlan.refused,
    ...verdicts.flatMap(({ name, refused: no }) => (no === null ? [] : [{ what: name, ...no }])),
  ];
  const identities = verdicts.filter((verdict) => verdict.needsFull && verdict.refused === null);
  const triggers = verdicts.filter((verdict) => verdict.needsTrigger);
  const publish = verdicts.filter((verdict) => verdict.needsPublishing && verdict.refused === null);
  const name = quoteIdentifier(wish.publication);
  return {
    refused,
    notes: [
      ...(facts.role === null && passwordVerifier === null
        ? [
            `no password is configured for ${wish.role}: give it one afterwards with \\password, or use a certificate`,
          ]
        : []),
      ...verdicts.flatMap(({ name: table, uncapturable: no }) =>
        no === null ? [] : [`${table} is left out: ${no.why}. ${no.fix}`],
      ),
      ...verdicts.flatMap(({ name: table, table: { rowFilter, columnList } }) =>
        rowFilter || columnList
          ? [
              `${table} is published with a ${rowFilter ? 'row filter' : 'column list'}, which stays: see rowseal doctor`,
            ]
          : [],
      ),
    ],
    steps: [
      ...kitSteps(facts, wish, files),
      ...roleSteps(facts, wish, files, passwordVerifier),
      ...publicationPlan.mend,
      ...identities.map(({ name: table, table: facts }) => ({
        title: `${table}: REPLICA IDENTITY FULL (old rows in the WAL from now on)`,
        sql: `SELECT rowseal.full_identity(${quoteRegclass(facts)});`,
      })),
      ...publicationPlan.create,
      ...publish.map(({ name: table, table: facts }) => ({
        title: `${table}: publish`,
        sql: `ALTER PUBLICATION ${name} ADD TABLE ONLY ${qualified(facts)};`,
      })),
      ...triggers.map(({ name: table, table: facts }) => ({
        title: `${table}: context triggers`,
        sql: `SELECT rowseal.attach(${quoteRegclass(facts)});`,
      })),
    ],
  };
}

function refusedServer({ server, publication }: PreflightFacts): Plan['refused'] {
  const major = Math.floor(server.version / 10000);
  const refused = [];
  if (major < 14 || major > 18)
    refused.push({ what: `PostgreSQL ${major}`, why: 'not known to this rowseal: 14 to 18 are', fix: '' });
  if (server.inRecovery)
    refused.push({
      what: 'a standby',
      why: 'nothing can be installed on it',
      fix: 'Give the URL of the primary.',
    });
  if (publication !== null && (publication.allTables || publication.schemas.length > 0))
    refused.push({
      what: 'the publication',
      why: 'FOR ALL TABLES or FOR TABLES IN SCHEMA makes UPDATE and DELETE fail on tables without a key, also on ones created later',
      fix: 'Name another in source.publication, or drop this one if nobody needs it.',
    });
  return refused;
}

function kitSteps({ kit, server }: PreflightFacts, wish: PreflightWish, files: KitFiles): Step[] {
  const whole =
    kit !== null &&
    kit.version === KIT_VERSION &&
    kit.digest === wish.kitDigest &&
    kit.eventTriggers.length === EVENT_TRIGGERS.length &&
    !kit.publicMayEmit;
  const patterns = wish.tables.map(({ match, exclude, context_trigger: wanted }) =>
    exclude || !wanted ? `!${match}` : match,
  );
  // Without a single table that wants triggers the list stays empty: nothing to match against new tables.
  const attachNew = patterns.some((pattern) => !pattern.startsWith('!')) ? patterns : [];
  const same = JSON.stringify(attachNew) === JSON.stringify(kit?.attachNew ?? []);
  const steps: Step[] = [];
  if (!whole)
    steps.push({
      title: `schema, functions and event triggers in ${server.database} (01-kit.sql)`,
      sql: files.kit,
    });
  if (!same)
    steps.push({
      title: 'which new tables get context triggers',
      sql: `UPDATE rowseal.kit SET attach_new = ARRAY[${attachNew.map(quoteLiteral).join(', ')}]::text[];`,
    });
  return steps;
}

function roleSteps(
  { role, kit }: PreflightFacts,
  wish: PreflightWish,
  files: KitFiles,
  verifier: string | null,
): Step[] {
  const able = role?.login && (role.replication || role.superuser) && role.connects;
  const steps: Step[] = [];
  if (!able || kit === null || !role.heartbeat)
    steps.push({
      title: `role ${wish.role}: LOGIN REPLICATION, rowseal.heartbeat() and nothing else (02-capture-role.sql)`,
      sql: render(files.role, { capture_role: wish.role }),
    });
  if (verifier !== null)
    steps.push({
      title: `role ${wish.role}: its password, as a SCRAM verifier`,
      sql: `ALTER ROLE ${quoteIdentifier(wish.role)} PASSWORD ${quoteLiteral(verifier)};`,
      shown: `\\password ${quoteIdentifier(wish.role)}`,
    });
  return steps;
}

function planPublication({ publication, server }: PreflightFacts, wish: PreflightWish, files: KitFiles) {
  const name = quoteIdentifier(wish.publication);
  if (publication === null)
    return {
      refused: [],
      mend: [],
      create: [
        {
          title: `publication ${wish.publication} (04-publication.sql)`,
          sql: render(files.publication, { publication: wish.publication }),
        },
      ],
    };
  const options = [
    ...(publication.unpublished.length > 0 ? ["publish = 'insert, update, delete, truncate'"] : []),
    ...(publication.viaRoot ? ['publish_via_partition_root = false'] : []),
    ...(server.version >= 180_000 && publication.generated === false
      ? ['publish_generated_columns = stored']
      : []),
  ];
  const mend =
    options.length === 0
      ? []
      : [
          {
            title: `publication ${wish.publication}: ${options.join(', ')}`,
            sql: `ALTER PUBLICATION ${name} SET (${options.join(', ')});`,
          },
        ];
  return { refused: [], mend, create: [] };
}

/** Everything back; empty where nothing of ours is there. Refuses while the slot is in use. */
export function planUninstall(facts: PreflightFacts, wish: PreflightWish, files: KitFiles): Plan {
  const { kit, publication, slot, role } = facts;
  if (kit === null && publication === null && slot === null && role?.ours !== true)
    return { refused: [], notes: [], steps: [] };
  const refused = slot?.active
    ? [{ what: `slot ${wish.slot}`, why: 'the daemon streams from it', fix: 'Stop rowseal run first.' }]
    : [];
  return {
    refused,
    notes: [
      ...(slot === null
        ? []
        : [
            `${slot.unsealedBytes ?? 'unknown'} bytes of the server's log lie behind the last seal: what was committed in them will not be in the trail. To seal it, stop the writers, start rowseal run, and stop it when rowseal status says lag 0 B`,
          ]),
      ...(role !== null && !role.ours ? [`role ${wish.role} was not made by the kit and stays`] : []),
    ],
    steps: [
      {
        title: `triggers, event triggers, functions and schema, publication ${wish.publication}, slot ${wish.slot}, role ${wish.role} (99-uninstall.sql)`,
        sql: render(files.uninstall, {
          publication: wish.publication,
          slot: wish.slot,
          capture_role: wish.role,
        }),
      },
    ],
  };
}

/** Puts values where psql would put its variables: `:'name'`. */
export function render(sql: string, values: Readonly<Record<string, string>>): string {
  return sql.replace(/:'([a-z_]+)'/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : quoteLiteral(value);
  });
}
