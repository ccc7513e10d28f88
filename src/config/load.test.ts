import { describe, expect, test } from 'vitest';
import { RowsealError } from '../base/errors.ts';
import { parseConfig } from './load.ts';

const problemOf = (source: string, more = '', name = 'audit.example.com/shop') => {
  const text = `store: { type: file, path: ./trails${more} }
signer: { type: file, path: ./log.key }
trails:
  - name: ${name}
    source: { ${source} }
    tables: [{ match: "shop.*" }]
`;
  try {
    parseConfig(text, 'rowseal.yaml', {});
  } catch (error) {
    if (error instanceof RowsealError) return error.message;
    throw error;
  }
  return null;
};
const postgres = 'type: postgres, url: "postgres://a@b/c"';
const mysql = 'type: mysql, url: "mysql://a@b/", server_id: 7';

test('a trail’s name has at most 255 bytes, in one part if need be', () => {
  expect(problemOf(postgres, '', 'a'.repeat(255))).toBeNull();
  expect(problemOf(postgres, '', `${'a'.repeat(200)}/${'b'.repeat(55)}`)).toContain('at most 255 bytes');
});

describe('a member that does not exist', () => {
  test('none where all is well', () => {
    expect(problemOf(postgres)).toBeNull();
    expect(problemOf(mysql)).toBeNull();
  });

  // It was told "no such member; did you mean server_id?".
  test.each([
    [
      `${postgres}, server_id: 4242`,
      'trails[0].source.server_id: belongs to type mysql or mariadb, not to postgres',
    ],
    [`${mysql}, slot: a`, 'trails[0].source.slot: belongs to type postgres, not to mysql'],
  ])('of another type: says whose it is', (source, text) => {
    expect(problemOf(source)).toBe(`rowseal.yaml: ${text}`);
  });

  test('of a store', () => {
    expect(problemOf(mysql, ', bucket: b')).toBe(
      'rowseal.yaml: store.bucket: belongs to type s3, not to file',
    );
  });

  test('is mistyped: the nearest of its own type, never of another', () => {
    expect(problemOf(`${mysql}, server_ids: 1`)).toContain('no such member; did you mean server_id?');
    expect(problemOf(`${postgres}, server_ids: 1`)).toMatch(/server_ids: no such member$/);
    expect(problemOf(`${postgres}, publicatoin: x`)).toContain('did you mean publication?');
  });
});
