/**
 * The SQL files of the kit as statements: the driver takes one at a time, and DELIMITER is a word of the mysql command
 * line, not of the server. Pure. A statement ends where a line does.
 */
import type { Step } from '../../preflight.ts';

/** Without delimiters and without comment lines before a statement. */
export function statementsOf(script: string): string[] {
  const found: string[] = [];
  let delimiter = ';';
  let lines: string[] = [];
  for (const line of script.split('\n')) {
    const named = /^DELIMITER (\S+)$/.exec(line.trimEnd());
    if (named !== null) {
      delimiter = named[1] as string;
      continue;
    }
    if (lines.length === 0 && (line.trim() === '' || line.startsWith('-- '))) continue;
    lines.push(line);
    if (!line.trimEnd().endsWith(delimiter)) continue;
    const text = lines.join('\n').trimEnd().slice(0, -delimiter.length).trimEnd();
    if (text !== '') found.push(text);
    lines = [];
  }
  if (lines.join('').trim() !== '') throw new Error('the script ends inside a statement');
  return found;
}

/** A step made of statements rather than of a file: a name in them may hold what looks like their end. */
export function stepOf(title: string, statements: readonly string[]): Step {
  return { title, sql: statements.map((each) => `${each};`).join('\n'), statements };
}

export function statementsIn({ sql, statements }: Step): readonly string[] {
  return statements ?? statementsOf(sql);
}

/** A step made of statements that may hold semicolons, so that a client needs another delimiter. */
export function bodiedStepOf(title: string, statements: readonly string[]): Step {
  return { title, sql: `DELIMITER //\n${statements.join('//\n')}//\nDELIMITER ;`, statements };
}

/** Bodies of the procedures that a file makes, by name, as information_schema.ROUTINES.ROUTINE_DEFINITION shows them. */
export function procedureBodies(script: string): Record<string, string> {
  const made = statementsOf(script)
    .map(procedureIn)
    .filter((each) => each !== null);
  return Object.fromEntries(made.map(({ name, body }) => [name, body]));
}

/** The statements of a file, but for those that make a procedure which is not to be touched. */
export function statementsBut(script: string, isKept: (procedure: string) => boolean): string[] {
  return statementsOf(script).filter((statement) => {
    const made = procedureIn(statement);
    return made === null || !isKept(made.name);
  });
}

function procedureIn(statement: string): { name: string; body: string } | null {
  const made =
    /^CREATE\b[^(]*\bPROCEDURE\b[^(]*\browseal\.(\w+)\(.*?\bSQL SECURITY DEFINER\n(BEGIN\b.*)$/s.exec(
      statement,
    );
  return made === null ? null : { name: made[1] as string, body: made[2] as string };
}
