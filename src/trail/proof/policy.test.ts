/** The policies of test/vectors/policy, every rule of https://c2sp.org/tlog-policy in one of them, and what holds for any. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/support/runs.ts';
import { RowsealError } from '../../base/errors.ts';
import { vkeyOf } from '../vkey.ts';
import { formatPolicy, isQuorum, MAX_POLICY_BYTES, type Policy, parsePolicy } from './policy.ts';

interface Vectors {
  readonly accepted: readonly {
    readonly about: string;
    readonly policy: string;
    readonly logs: readonly { vkey: string; url: string | null }[];
    readonly witnesses: readonly { name: string; vkey: string; url: string | null }[];
    readonly groups: readonly { name: string; threshold: number; members: readonly string[] }[];
    readonly quorum: string | null;
    readonly enough: readonly (readonly string[])[];
    readonly not_enough: readonly (readonly string[])[];
  }[];
  readonly refused: readonly { about: string; policy: string; line: number | null }[];
}

const file = new URL('../../../test/vectors/policy/policies.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

const refusalOf = (bytes: Buffer): RowsealError | null => {
  try {
    parsePolicy(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(RowsealError);
    return error as RowsealError;
  }
  return null;
};

describe('the vectors', () => {
  it.each(vectors.accepted)(
    '$about',
    ({ policy: text, logs, witnesses, groups, quorum, enough, not_enough }) => {
      const policy = parsePolicy(Buffer.from(text, 'base64'));
      expect(policy.logs.map(({ key, url }) => ({ vkey: key.vkey, url }))).toEqual(logs);
      expect(policy.witnesses.map(({ name, key, url }) => ({ name, vkey: key.vkey, url }))).toEqual(
        witnesses,
      );
      expect(policy.groups).toEqual(groups);
      expect(policy.quorum).toBe(quorum);
      for (const names of enough) expect(isQuorum(policy, new Set(names)), names.join()).toBe(true);
      for (const names of not_enough) expect(isQuorum(policy, new Set(names)), names.join()).toBe(false);
      expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
    },
  );

  it.each(vectors.refused)('refuse $about', ({ policy, line }) => {
    const error = refusalOf(Buffer.from(policy, 'base64'));
    expect(error?.code).toBe('policy_invalid');
    expect(error?.details['line'] ?? null).toBe(line);
    if (line !== null) expect(error?.message).toContain(`line ${line} of the policy`);
  });
});

/** Policies by the rules: each name a member of one group at most. */
const policies: fc.Arbitrary<Policy> = fc
  .record({
    logs: fc.nat(3),
    urls: fc.infiniteStream(fc.constantFrom(null, 'https://x.example/', '\u00ff')),
    witnesses: fc.nat(8),
    numbers: fc.infiniteStream(fc.nat()),
  })
  .map(({ logs, urls, witnesses, numbers }) => {
    const next = () => numbers.next().value as number;
    const url = () => urls.next().value as string | null;
    const keyOf = (type: 'ed25519' | 'ed25519-cosigner', name: string) =>
      vkeyOf(name, type, Buffer.alloc(32, name));
    const free: string[] = Array.from({ length: witnesses }, (_, i) => `w${i}`);
    const names = [...free];
    const groups = [];
    while (free.length > 0 && groups.length < 6) {
      const members = free.splice(next() % free.length, 1 + (next() % free.length));
      groups.push({ name: `g${groups.length}`, threshold: 1 + (next() % members.length), members });
      free.push(groups.at(-1)!.name);
      names.push(groups.at(-1)!.name);
    }
    return {
      logs: Array.from({ length: logs }, (_, i) => ({ key: keyOf('ed25519', `l${i}.é`), url: url() })),
      witnesses: Array.from({ length: witnesses }, (_, i) => ({
        name: `w${i}`,
        key: keyOf('ed25519-cosigner', `w${i}`),
        url: url(),
      })),
      groups,
      quorum: [null, ...names][next() % (names.length + 1)]!,
    };
  });

/** The plain definition, from the quorum down. */
function isWitnessed({ groups }: Policy, name: string, cosigned: ReadonlySet<string>): boolean {
  const group = groups.find((each) => each.name === name);
  if (group === undefined) return cosigned.has(name);
  return (
    group.members.filter((member) => isWitnessed({ groups } as Policy, member, cosigned)).length >=
    group.threshold
  );
}

describe('a policy', () => {
  it('comes back as it went, and asks for what its groups say', () => {
    fc.assert(
      fc.property(policies, fc.array(fc.nat(8)), (policy, some) => {
        expect(parsePolicy(formatPolicy(policy))).toEqual(policy);
        const cosigned = new Set(some.map((i) => `w${i}`));
        const plain = policy.quorum === null || isWitnessed(policy, policy.quorum, cosigned);
        expect(isQuorum(policy, cosigned)).toBe(plain);
      }),
    );
  });

  it('is not written where it would be none', () => {
    const key = vkeyOf('w', 'ed25519-cosigner', Buffer.alloc(32, 1));
    const witness = { name: 'w', key, url: null };
    const good: Policy = { logs: [], witnesses: [witness], groups: [], quorum: 'w' };
    expect(formatPolicy(good).toString()).toBe(`witness w ${key.vkey}\nquorum w\n`);
    const bad: Policy[] = [
      { ...good, quorum: 'x' },
      { ...good, witnesses: [{ ...witness, name: 'w w' }] },
      { ...good, witnesses: [{ ...witness, url: 'a\nquorum none' }] },
      { ...good, witnesses: [witness, { ...witness, name: 'v' }] },
      { ...good, groups: [{ name: 'g', threshold: 2, members: ['w'] }] },
    ];
    for (const policy of bad)
      expect(() => formatPolicy(policy)).toThrow(expect.objectContaining({ code: 'policy_invalid' }));
  });

  it('may have groups in groups as deep as its lines go', () => {
    const key = vkeyOf('w', 'ed25519-cosigner', Buffer.alloc(32, 1));
    const groups = Array.from(
      { length: 40_000 },
      (_, i) => `group g${i} any ${i === 0 ? 'w' : `g${i - 1}`}\n`,
    );
    const policy = parsePolicy(Buffer.from(`witness w ${key.vkey}\n${groups.join('')}quorum g39999\n`));
    expect(isQuorum(policy, new Set(['w']))).toBe(true);
    expect(isQuorum(policy, new Set())).toBe(false);
    expect(refusalOf(Buffer.alloc(MAX_POLICY_BYTES + 1, '\n'))?.message).toContain('1 MiB');
  });

  it('takes no cosignature of a group for one of its members', () => {
    const key = (n: number) => vkeyOf(`w${n}`, 'ed25519-cosigner', Buffer.alloc(32, n));
    const text = `witness a ${key(1).vkey}\nwitness b ${key(2).vkey}\ngroup g all a b\nquorum g\n`;
    expect(isQuorum(parsePolicy(Buffer.from(text)), new Set(['g']))).toBe(false);
  });

  it('ends on any bytes, with a refusal', () => {
    const good = Buffer.from(vectors.accepted[2]!.policy, 'base64');
    const words = fc.array(
      fc.constantFrom(
        'log',
        'witness',
        'group',
        'quorum',
        'none',
        'any',
        'all',
        '1',
        ' ',
        '\n',
        '\t',
        '#',
        'a',
        '\u00ff',
      ),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((some) => Buffer.from(some)),
      words.map((some) => Buffer.from(some.join(' '), 'latin1')),
      fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const spoiled = Buffer.from(good);
        spoiled[at]! ^= by;
        return spoiled;
      }),
    );
    fc.assert(
      fc.property(bytes, (some) => {
        const error = refusalOf(some);
        if (error !== null) expect(error.code).toBe('policy_invalid');
      }),
      { numRuns: runs(2000) },
    );
  });
});
