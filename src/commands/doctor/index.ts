/**
 * `rowseal doctor`: every precondition of every trail as a check, with the SQL or command that mends it. It changes
 * nothing in the database; in a bucket with Object Lock it leaves one small object a day, locked for a minute,
 * because whether a bucket locks can only be found out by trying. What could not be checked is never 'ok'.
 */
import { RowsealError } from '../../base/errors.ts';
import { blanks, clean, cleaned, join, json, type Printable, pad, painter, text } from '../../base/text.ts';
import { policyOf } from '../../config/compile.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, TrailConfig } from '../../config/schema.ts';
import { engineOf } from '../../engines/engine-of.ts';
import { CHECK_GROUPS, type Check, nameFile, type Unchecked } from '../../source/preflight.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';
import { evidenceChecks, secretChecks } from './evidence.ts';

const HELP = text`rowseal doctor: check every precondition, with the exact SQL or command that mends it.

Usage: rowseal doctor -c FILE [--trail NAME] [--json]

  -c, --config FILE   the configuration
      --trail NAME    this trail alone
      --json          one JSON object instead of tables

It logs in as the capture login of source.url. Before rowseal setup made that, or to see with more privileges, set
ROWSEAL_ADMIN_URL: what the catalogs tell is then asked through it. Nothing in the database is changed. A
bucket is tried with one small object, locked for a minute, under .rowseal-doctor/.

  rowseal doctor -c rowseal.yaml
  rowseal doctor -c rowseal.yaml --json | jq '.trails[].checks[] | select(.status == "fail")'

Exit status: 0 all checks ok or warnings, 1 a check failed, 2 something could not be checked.
`;

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'check every precondition, with the SQL or command that mends it',
  help: HELP,
  run: doctor,
};

/** What one trail's preconditions came to. `unchecked` is what could not be asked, and why. */
export interface Diagnosis {
  readonly trail: string;
  readonly checks: readonly Check[];
  readonly unchecked: readonly Unchecked[];
}

async function doctor(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseCommandLine('doctor', argv, {
    options: {
      config: { type: 'string', short: 'c' },
      trail: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.config === undefined) throw new RowsealError('usage', 'doctor needs -c FILE.');
  const file = values.config;
  const config = loadConfig(file, io.env);
  const trails = config.trails.filter((trail) => values.trail === undefined || trail.name === values.trail);
  if (trails.length === 0) throw new RowsealError('usage', `There is no trail ${values.trail}.`);
  const found: Diagnosis[] = [];
  for (const trail of trails) {
    const { checks, unchecked, ...rest } = await diagnose(config, trail, io.env);
    const named = <T extends { readonly fix: string }>(list: readonly T[]) =>
      list.map((each) => ({ ...each, fix: nameFile(each.fix, file) }));
    found.push({ ...rest, checks: named(checks), unchecked: named(unchecked) });
  }
  io.stdout.write(
    values.json
      ? text`${json({ status: exitStatus(found), trails: found })}\n`
      : table(found, io.stdout.isTTY === true),
  );
  return exitStatus(found);
}

/** 2 where something could not be checked, else 1 where a check failed. */
export function exitStatus(found: readonly Diagnosis[]): 0 | 1 | 2 {
  if (found.some(({ unchecked }) => unchecked.length > 0)) return 2;
  return found.some(({ checks }) => checks.some(({ status }) => status === 'fail')) ? 1 : 0;
}

export async function diagnose(
  config: Config,
  trail: TrailConfig,
  env: CommandIo['env'],
): Promise<Diagnosis> {
  policyOf(config, trail); // what run would refuse of it is refused here
  const { checks, unchecked, judgeHead } = await engineOf(trail, env).diagnose();
  const evidence = await evidenceChecks(config, trail, judgeHead, env);
  return {
    trail: trail.name,
    checks: [...checks, ...secretChecks(trail.source), ...evidence.checks],
    unchecked: [...unchecked, ...evidence.unchecked],
  };
}

const MARKS = {
  ok: [text`ok  `, 32],
  warn: [text`warn`, 33],
  fail: [text`FAIL`, 31],
} as const;
const INDENT = blanks(21);

/** Grouped and aligned; why and how to mend only where it is not ok. Colour only on a terminal. */
export function table(found: readonly Diagnosis[], colour: boolean): Printable {
  const paint = painter(colour);
  const lines: Printable[] = [];
  for (const { trail, checks, unchecked } of found) {
    lines.push(paint(1, clean(trail)));
    for (const group of CHECK_GROUPS) {
      for (const { status, what, why, fix } of checks.filter((each) => each.group === group)) {
        const [mark, code] = MARKS[status];
        lines.push(text`  ${pad(clean(group), 11)}  ${paint(code, mark)}  ${clean(what)}`);
        if (why !== '') lines.push(text`${INDENT}${clean(why)}`);
        if (fix !== '') lines.push(text`${INDENT}→ ${cleaned(fix)}`);
      }
    }
    for (const { what, why, fix } of unchecked) {
      lines.push(
        text`  not checked  ${paint(35, text`????`)}  ${clean(what)}`,
        text`${INDENT}${clean(why)}`,
        text`${INDENT}→ ${cleaned(fix)}`,
      );
    }
    const count = (status: Check['status']) => checks.filter((each) => each.status === status).length;
    const warnings = count('warn') === 1 ? text`warning` : text`warnings`;
    lines.push(
      text`  ${count('ok')} ok, ${count('warn')} ${warnings}, ${count('fail')} failed, ${unchecked.length} not checked`,
      text``,
    );
  }
  return join(lines, text`\n`);
}
