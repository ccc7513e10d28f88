/**
 * What a client that reads lines makes of a file: psql's and mysql's rules of where a quoted text, a comment and a statement
 * end, and what is a command of the client. It stands in for them where they are not installed.
 */
export interface Read {
  readonly statements: readonly string[];
  /** Commands of the client itself, such as `\set …`, `\! …`, `system …`: the rest of their line. */
  readonly commands: readonly string[];
}

/** In psql a comment ends at a CR too; in mysql `#` begins one, and a word at a line's start is a command. */
const DIALECTS = {
  psql: {
    skipped: /--[^\r\n]*|\/\*.*?\*\//sy,
    quoted: /\$(\w*)\$.*?\$\1\$|[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"/sy,
    command: /\\[^\r\n]*/y,
  },
  mysql: {
    skipped: /--[ \t][^\n]*|#[^\n]*|\/\*(?!!|M!).*?\*\//sy,
    quoted: /`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"/sy,
    command: /\\[^\n]*|(?<=^|\n)(?:system|source|delimiter|use|tee|pager|charset)\b[^\n]*/iy,
  },
} as const;

export function readLines(client: keyof typeof DIALECTS, script: string): Read {
  const { skipped, quoted, command } = DIALECTS[client];
  const [statements, commands]: string[][] = [[], []];
  let [at, delimiter, statement] = [0, ';', ''];
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(script)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const end = () => {
    if (statement.trim() !== '') statements?.push(statement.trim());
    statement = '';
  };
  while (at < script.length) {
    if (take(skipped) !== undefined) continue;
    const text = take(quoted);
    const order = text === undefined ? take(command) : undefined;
    if (order !== undefined) {
      const named = /^delimiter\s+(\S+)/i.exec(order)?.[1];
      if (named === undefined) commands?.push(order);
      else delimiter = named;
    } else if (text !== undefined) statement += text;
    else if (script.startsWith(delimiter, at)) {
      end();
      at += delimiter.length;
    } else statement += script[at++];
  }
  end();
  return { statements: statements ?? [], commands: commands ?? [] };
}
