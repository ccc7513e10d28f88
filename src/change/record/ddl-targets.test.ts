import { describe, expect, test } from 'vitest';
import { parseJsonTree } from '../values/json-tree.ts';
import { ddlTargets, UNKNOWN_TARGETS } from './ddl-targets.ts';

const written = (targets: unknown) => ddlTargets(parseJsonTree(JSON.stringify(targets)));

describe('targets of a ddl record', () => {
  test.each<[string, unknown[]]>([
    [
      'one of every member',
      [{ schema: 's', table: 't', kind: 'table', oid: 7, effects: ['columns'], columns: [1, 2] }],
    ],
    [
      'a rename',
      [{ schema: 's', table: 't', effects: ['renames', 'rights'], becomes: { schema: 's', table: 'u' } }],
    ],
    ['a name without a schema', [{ schema: null, name: 's', kind: 'schema', effects: ['drops'] }]],
    ['no name, and so unknown', [{ effects: ['unknown'] }]],
    ['an oid alone', [{ kind: 'table', oid: 5, effects: ['drops'] }]],
    ['columns of a rewrite, which may be none', [{ table: 't', effects: ['replaces'], columns: [] }]],
    [
      'several',
      [
        { table: 'a', effects: ['none'] },
        { table: 'b', effects: ['empties'] },
      ],
    ],
    ['hostile names', [{ schema: '"\u2028\n', table: '{"effects":["none"]}\\', effects: ['creates'] }]],
  ])('%s', (_, targets) => {
    expect(JSON.parse(written(targets))).toEqual(targets);
  });

  test('stand in the order of the format, whatever the order in the message', () => {
    const turned = [{ columns: [3], effects: ['columns'], oid: 9, kind: 'table', table: 't', schema: 's' }];
    expect(written(turned)).toBe(
      '[{"schema":"s","table":"t","kind":"table","oid":9,"effects":["columns"],"columns":[3]}]',
    );
  });

  const good = { schema: 's', table: 't', effects: ['none'] };
  test.each<[string, unknown]>([
    ['none at all', undefined],
    ['no array', { effects: ['none'] }],
    ['an empty one', []],
    ['one that is no object', [good, 'x']],
    ['a member that is not known', [{ ...good, because: 'x' }]],
    ['no effects', [{ table: 't' }]],
    ['empty effects', [{ ...good, effects: [] }]],
    ['an effect that is not known', [{ ...good, effects: ['burns'] }]],
    ['an effect that is no text', [{ ...good, effects: [null] }]],
    ['an effect twice', [{ ...good, effects: ['rights', 'rights'] }]],
    ['none beside another', [{ ...good, effects: ['none', 'rights'] }]],
    ['unknown beside another', [{ ...good, effects: ['drops', 'unknown'] }]],
    ['an effect on what is not named', [{ kind: 'table', effects: ['none'] }]],
    [
      'an effect on what is in no schema and not named',
      [{ schema: null, kind: 'table', effects: ['drops'] }],
    ],
    ['table and name', [{ ...good, name: 't' }]],
    ['a table that is null', [{ ...good, table: null }]],
    ['a schema that is a number', [{ ...good, schema: 5 }]],
    ['a kind in capitals', [{ ...good, kind: 'TABLE' }]],
    ['an oid that is a text', [{ ...good, oid: '5' }]],
    ['a rename to nowhere', [{ ...good, effects: ['renames'] }]],
    ['another name without a rename', [{ ...good, becomes: { schema: 's', table: 'u' } }]],
    ['another name without a schema', [{ ...good, effects: ['renames'], becomes: { table: 'u' } }]],
    ['another name that is none', [{ ...good, effects: ['renames'], becomes: { schema: 's' } }]],
    [
      'another name and more',
      [{ ...good, effects: ['renames'], becomes: { schema: 's', table: 'u', oid: 1 } }],
    ],
    ['columns beside what touches none', [{ ...good, effects: ['rights'], columns: [1] }]],
    ['a column 0', [{ ...good, effects: ['columns'], columns: [0] }]],
    ['a column of 1.5', [{ ...good, effects: ['columns'], columns: [1.5] }]],
    ['columns that are no array', [{ ...good, effects: ['columns'], columns: 1 }]],
  ])('%s: unknown as a whole', (_, targets) => {
    const tree = targets === undefined ? undefined : parseJsonTree(JSON.stringify(targets));
    expect(ddlTargets(tree)).toBe(UNKNOWN_TARGETS);
  });
});
