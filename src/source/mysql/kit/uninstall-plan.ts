/** What setup --uninstall would do on a MySQL or MariaDB server, decided from facts: pure. */
import type { Plan, Step } from '../../preflight.ts';
import type { PreflightFacts } from '../preflight/facts.ts';
import { OWNER } from '../preflight/wish.ts';
import { qualified, quoteGrantee } from '../sql/quote.ts';
import { stepOf } from './script.ts';
import { judged, type KitFiles } from './setup-plan.ts';

/** What of the binlog lies behind the last seal. */
export interface Unsealed {
  readonly count: number;
  readonly unit: 'transactions' | 'bytes';
}

/**
 * Empty where nothing of ours is there. Triggers first: without the schema, writes would fail. `unsealed`: null where it can't
 * be told.
 */
export function planUninstall(
  facts: PreflightFacts,
  files: Pick<KitFiles, 'uninstall'>,
  unsealed: Unsealed | null,
): Plan {
  const { kit, account, triggers: found } = facts;
  if (kit === null) return { refused: [], notes: [], steps: [] };
  const triggers = (found ?? []).filter(({ definer }) => definer === OWNER);
  const ours = kit.made ?? [];
  const kept = account !== null && !ours.includes(account.name);
  const steps: Step[] = triggers.map(({ schema, table, name }) =>
    stepOf(`${schema}.${table}: remove the trigger ${name}`, [
      `DROP TRIGGER IF EXISTS ${qualified({ schema, table: name })}`,
    ]),
  );
  // The server keeps what was granted on a routine when its schema goes.
  for (const { grantee, kind, routine } of kit.executors ?? [])
    steps.push(
      stepOf(`${grantee} may no longer call rowseal.${routine}`, [
        `REVOKE EXECUTE ON ${kind === 'FUNCTION' ? kind : 'PROCEDURE'} ${qualified({ schema: 'rowseal', table: routine })} FROM ${quoteGrantee(grantee)}`,
      ]),
    );
  steps.push({
    title: 'remove the schema rowseal and rowseal_owner (99-uninstall.sql)',
    sql: files.uninstall,
  });
  for (const name of ours)
    steps.push(
      stepOf(`remove the account ${name}, which the kit made`, [`DROP USER IF EXISTS ${quoteGrantee(name)}`]),
    );
  return {
    refused: refusedStream(facts),
    notes: [
      unsealedNote(unsealed),
      ...((kit.callers ?? []).length === 0
        ? []
        : [`applications that call rowseal.set_context will fail: ${(kit.callers ?? []).join(', ')}`]),
      ...(kept ? [`account ${account.name} was not made by the kit and stays`] : []),
    ],
    steps: steps.map(judged),
  };
}

/** It would seal the end under a daemon that goes on writing: the daemon ends with trail_forked. */
function refusedStream({ rival, dumps, account }: PreflightFacts): Plan['refused'] {
  if (dumps.length === 0 && rival?.ours !== true) return [];
  const who = account === null ? 'its account' : account.name;
  const sessions = dumps.length === 0 ? '' : ` (session ${dumps.join(', ')} of ${who})`;
  return [
    {
      what: 'a daemon streams from the server',
      why: `it would go on writing to a trail whose end was sealed${sessions}`,
      fix: `Stop the daemon first (rowseal run). Where it is gone, the server lets its session go within a few heartbeats; where its host died, ${dumps.length === 0 ? 'KILL it' : dumps.map((id) => `KILL ${id};`).join(' ')}`,
    },
  ];
}

function unsealedNote(unsealed: Unsealed | null): string {
  const remedy =
    'To seal it, stop the writers, start rowseal run, and stop it when rowseal status says lag 0';
  if (unsealed === null) return `what was committed since the last seal will not be in the trail. ${remedy}`;
  const { count, unit } = unsealed;
  if (count === 0) return 'everything that was committed so far is sealed';
  const words = count === 1 ? unit.slice(0, -1) : unit;
  return `${count} ${words}${unit === 'bytes' ? ' of the binlog' : ''} behind the last seal will not be in the trail. ${remedy}`;
}
