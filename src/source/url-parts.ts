/**
 * What the URLs of all engines have in common: percent signs, parameters, numbers, files that they name. It must never
 * show a value of the URL in an error, for one of them is the password.
 */
import fs from 'node:fs';
import tls from 'node:tls';
import { RowsealError } from '../base/errors.ts';

export interface UrlParts {
  /** `config_invalid`, saying whose URL it is. */
  invalid(why: string, cause?: unknown): RowsealError;
  /** Without its percent signs. */
  decode(text: string): string;
  /** Names and values of what stands behind the question mark. */
  parameters(query: string | undefined): [name: string, value: string][];
  /** Of at most six digits; undefined where it is not given. */
  integer(given: Readonly<Record<string, string>>, name: string): number | undefined;
  /** The bytes of the file that a parameter names, read here and now. */
  file(parameter: string, path: string): Buffer;
}

/** `engine` for people: Postgres, MySQL. */
export function urlParts(engine: string): UrlParts {
  const invalid = (why: string, cause?: unknown) =>
    new RowsealError('config_invalid', `the URL of the ${engine} source: ${why}`, { cause });
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw invalid('a percent sign in it is not followed by two hexadecimal digits');
    }
  };
  return {
    invalid,
    decode,
    parameters: (query) =>
      (query ? query.split('&') : []).map((pair) => {
        const equals = pair.indexOf('=');
        if (equals < 1) throw invalid('a parameter has no value');
        return [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
      }),
    integer(given, name) {
      const text = given[name];
      if (text === undefined) return undefined;
      if (!/^\d{1,6}$/.test(text)) throw invalid(`${name} is not a number`);
      return Number(text);
    },
    file(parameter, path) {
      try {
        return fs.readFileSync(path);
      } catch (cause) {
        throw invalid(
          `${parameter}, ${path}, can't be read: ${(cause as NodeJS.ErrnoException).code}`,
          cause,
        );
      }
    },
  };
}

/** Node's own authorities and the system's. */
export function knownAuthorities(): string[] {
  return [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
}
