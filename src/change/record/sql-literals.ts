/**
 * The text of a DDL statement without what may be secret in it: literals masked, comments left out, and the
 * whole statement dropped where its object carries credentials. Where quoting is ambiguous it must take away
 * too much rather than too little.
 */

/** Roles, users, servers, user mappings and subscriptions: their statements hold passwords. */
const SECRET_OBJECTS = /\b(?:create|alter|drop)\s+(?:role|user|group|server|subscription)\b/i;
const SECRET_TYPES = /^(?:role|user|server|user mapping|subscription)$/i;

/** Null where the statement must not be kept. Numbers stay: they are lengths and precisions. */
export function maskedStatement(statement: string, tag: string, objectType: string): string | null {
  if (SECRET_TYPES.test(objectType) || SECRET_OBJECTS.test(tag)) return null;
  const masked = maskLiterals(statement);
  return SECRET_OBJECTS.test(masked) ? null : masked;
}

/**
 * String literals become `'…'`, dollar-quoted ones `$$…$$` (PostgreSQL manual, 4.1.2.1 to 4.1.2.4), comments
 * one space. A backslash before a quote in a plain literal means different things by
 * standard_conforming_strings: there everything that follows is cut.
 */
export function maskLiterals(statement: string): string {
  let out = '';
  let at = 0;
  while (at < statement.length) {
    const rest = statement.slice(at, at + 2);
    if (rest[0] === "'") {
      const escapes = /(?:^|[^\w$])e$/i.test(out);
      const end = endOfString(statement, at + 1, escapes);
      out += "'…'";
      if (end === null) return out;
      at = end;
    } else if (rest[0] === '"') {
      const end = endOfIdentifier(statement, at + 1);
      if (end === null) return `${out}"…`;
      out += statement.slice(at, end);
      at = end;
    } else if (rest === '--') {
      const end = statement.indexOf('\n', at);
      out += ' ';
      at = end < 0 ? statement.length : end;
    } else if (rest === '/*') {
      at = endOfComment(statement, at);
      out += ' ';
    } else if (rest[0] === '$' && !/[\w$]$/.test(out)) {
      const tag = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/u.exec(
        statement.slice(at, at + 80),
      )?.[0];
      if (tag === undefined) out += statement[at++];
      else {
        const end = statement.indexOf(tag, at + tag.length);
        out += '$$…$$';
        at = end < 0 ? statement.length : end + tag.length;
      }
    } else out += statement[at++];
  }
  return out;
}

/** Behind the closing quote; null where the literal has no certain end. */
function endOfString(statement: string, start: number, escapes: boolean): number | null {
  for (let at = start; at < statement.length; at++) {
    if (statement[at] === '\\') {
      if (escapes) at++;
      else if (statement[at + 1] === "'") return null;
    } else if (statement[at] === "'") {
      if (statement[at + 1] !== "'") return at + 1;
      at++;
    }
  }
  return null;
}

/** Behind the closing quote; null where the statement was cut inside. */
function endOfIdentifier(statement: string, start: number): number | null {
  for (let at = start; at < statement.length; at++) {
    if (statement[at] !== '"') continue;
    if (statement[at + 1] !== '"') return at + 1;
    at++;
  }
  return null;
}

/** Comments nest. */
function endOfComment(statement: string, start: number): number {
  let depth = 0;
  for (let at = start; at < statement.length - 1; at++) {
    if (statement[at] === '/' && statement[at + 1] === '*') {
      depth++;
      at++;
    } else if (statement[at] === '*' && statement[at + 1] === '/') {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return statement.length;
}
