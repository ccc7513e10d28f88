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

/** Bodies of the procedures that a file makes, by name, as information_schema.ROUTINES.ROUTINE_DEFINITION shows them. */
export function procedureBodies(script: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const statement of statementsOf(script)) {
    const made =
      /^CREATE\b[^(]*\bPROCEDURE\b[^(]*\browseal\.(\w+)\(.*?\bSQL SECURITY DEFINER\n(BEGIN\b.*)$/s.exec(
        statement,
      );
    if (made !== null) found[made[1] as string] = made[2] as string;
  }
  return found;
}
