/**
 * What the configuration says of tables, compiled: which relations are recorded, into which retention class,
 * with which redactions. It must never let a partition escape a rule that names its parent.
 */
import { RowsealError } from '../../base/errors.ts';
import type { Relation } from '../change.ts';

/** Ascending: where several apply and none is known to be the right one, the last wins. */
const SEVERITY = ['hmac', 'mask', 'drop'] as const;
export type Redaction = (typeof SEVERITY)[number];

/** Null where there is none. */
export function severestOf(redactions: readonly Redaction[]): Redaction | null {
  return SEVERITY.findLast((each) => redactions.includes(each)) ?? null;
}

/** One entry of the configuration's `tables`. */
export interface TableRule {
  /** `schema.table`, where `*` stands for any characters and `?` for one. */
  readonly match: string;
  /** The tables that match are left out. */
  readonly exclude?: boolean | undefined;
  readonly class?: string | undefined;
  readonly columns?: Readonly<Record<string, Redaction>> | undefined;
  /** The same, where it is there: names that columns had earlier, or will have. */
  readonly former_columns?: Readonly<Record<string, Redaction>> | undefined;
}

/** Maps a login or an application name (globs; both must match where both stand) to an actor. The last match wins. */
export interface ActorRule {
  readonly login?: string | undefined;
  readonly application?: string | undefined;
  readonly actor: { readonly type: 'user' | 'service' | 'system'; readonly id: string };
}

export interface PolicyInput {
  readonly tables: readonly TableRule[];
  /** Class of tables whose rule names none. */
  readonly defaultClass?: string;
  /** A cell of more bytes of server text is recorded as its SHA-256. */
  readonly maxValueBytes?: number;
  readonly actors?: readonly ActorRule[];
  readonly hmac?: { readonly id: string; readonly key: Uint8Array } | null;
}

export interface TablePolicy {
  readonly class: string;
  /** Of its rule's `columns` and `former_columns`. */
  readonly columns: ReadonlyMap<string, Redaction>;
  readonly rule: RedactionRule;
  /** Of the columns that `columns` doesn't name; absent: none. */
  readonly others?: Redaction;
}

/** What a rule asks of the tables that it holds for; one object a rule. */
export interface RedactionRule {
  readonly match: string;
  /** It names one table: no `*`, no `?`. */
  readonly oneTable: boolean;
  /** Columns that have to be there: in that table, or, of a pattern, in one of its tables. */
  readonly required: readonly string[];
  /** Columns that are redacted where they are there. */
  readonly former: readonly string[];
  /** Of these, such as are not in `columns` too: each stands for a required one under its earlier name. */
  readonly earlier: readonly string[];
}

type Named = Pick<Relation, 'schema' | 'table' | 'ancestors' | 'ancestry' | 'foldsNames' | 'numbers'>;

export interface Policy {
  readonly maxValueBytes: number;
  readonly hmac: { readonly id: string; readonly key: Uint8Array } | null;
  /** Of every rule that excludes nothing. */
  readonly rules: readonly RedactionRule[];
  /**
   * Null where no rule matches: the relation's changes are not recorded. Where its ancestors are lost, with every
   * redaction that a rule could have through one of them; what a rule could exclude so is masked whole. Where its
   * columns' numbers are lost, with the severest redaction of its rule for each of them.
   */
  table(relation: Named): TablePolicy | null;
  /** Null for `table`, but an ancestor that can't be told any more may have been one that a rule records. */
  perhaps(relation: Named): boolean;
  /** The actor that the rules give this login and application name; null where none matches. */
  actor(login: string | null, application: string | null): ActorRule['actor'] | null;
}

/** Throws `config_invalid` where a rule asks for what the configuration does not give. */
export function compilePolicy(input: PolicyInput): Policy {
  const defaultClass = input.defaultClass ?? 'default';
  const hmac = input.hmac ?? null;
  const rules = input.tables.map((rule) => compileRule(rule, defaultClass, hmac !== null));
  const actors = (input.actors ?? []).map((rule) => ({
    login: rule.login === undefined ? null : glob(rule.login),
    application: rule.application === undefined ? null : glob(rule.application),
    actor: rule.actor,
  }));
  const lastMatch = (relation: Named) => {
    const names = [`${relation.schema}.${relation.table}`, ...relation.ancestors];
    const pattern = relation.foldsNames ? 'folded' : 'match';
    return rules.findLastIndex((rule) => names.some((name) => rule[pattern].test(name)));
  };
  return {
    maxValueBytes: input.maxValueBytes ?? 1024 * 1024,
    hmac,
    rules: rules.filter((rule) => !rule.exclude).map((rule) => rule.policy.rule),
    table(relation) {
      const last = lastMatch(relation);
      const rule = rules[last];
      if (rule === undefined || rule.exclude) return null;
      const { ancestry, numbers } = relation;
      const policy = ancestry === 'lost' ? severest(rule.policy, rules.slice(last + 1)) : rule.policy;
      return numbers === 'lost' ? blanket(policy) : policy;
    },
    perhaps(relation) {
      const last = lastMatch(relation);
      if (relation.ancestry === undefined || rules[last]?.exclude === false) return false;
      return rules.slice(last + 1).some((rule) => !rule.exclude);
    },
    actor(login, application) {
      const fits = (pattern: RegExp | null, value: string | null) =>
        pattern === null || (value !== null && pattern.test(value));
      const rule = actors.findLast((each) => fits(each.login, login) && fits(each.application, application));
      return rule?.actor ?? null;
    },
  };
}

interface CompiledRule {
  readonly match: RegExp;
  /** Without case. */
  readonly folded: RegExp;
  readonly exclude: boolean;
  readonly policy: TablePolicy;
}

/** The policy with whatever the later rules, any of which may have been the right one, would withhold besides. */
function severest(policy: TablePolicy, later: readonly CompiledRule[]): TablePolicy {
  const columns = new Map(policy.columns);
  for (const rule of later) {
    for (const [name, redaction] of rule.policy.columns) {
      const own = columns.get(name);
      if (own === undefined || SEVERITY.indexOf(redaction) > SEVERITY.indexOf(own))
        columns.set(name, redaction);
    }
  }
  if (!later.some((rule) => rule.exclude)) return { ...policy, columns };
  for (const [name, redaction] of columns) if (redaction === 'hmac') columns.set(name, 'mask');
  return { ...policy, columns, others: 'mask' };
}

/** Any column may be the one that is redacted most. */
function blanket(policy: TablePolicy): TablePolicy {
  const { columns, others } = policy;
  const worst = severestOf([...columns.values(), ...(others === undefined ? [] : [others])]);
  if (worst === null) return policy;
  return { ...policy, columns: new Map([...columns.keys()].map((name) => [name, worst])), others: worst };
}

function compileRule(rule: TableRule, defaultClass: string, hasKey: boolean): CompiledRule {
  const { match, columns: named = {}, former_columns: former = {} } = rule;
  const columns = new Map([...Object.entries(former), ...Object.entries(named)]);
  if (!hasKey && [...columns.values()].includes('hmac')) {
    throw new RowsealError(
      'config_invalid',
      `tables: ${rule.match} asks for hmac, but there is no HMAC key`,
      {
        hint: 'Set redaction.hmac_key_file.',
      },
    );
  }
  const className = rule.class ?? defaultClass;
  if (className === 'trail' || !/^[a-z0-9-]{1,32}$/.test(className)) {
    throw new RowsealError('config_invalid', `tables: ${rule.match}: ${className} can't be a table's class`, {
      hint: 'A class is 1 to 32 of a-z, 0-9 and -; "trail" is reserved.',
    });
  }
  return {
    match: glob(rule.match),
    folded: glob(rule.match, 'sui'),
    exclude: rule.exclude === true,
    policy: {
      class: className,
      columns,
      rule: {
        match,
        oneTable: !/[*?]/.test(match),
        required: Object.keys(named).filter((name) => !Object.hasOwn(former, name)),
        former: Object.keys(former),
        earlier: Object.keys(former).filter((name) => !Object.hasOwn(named, name)),
      },
    },
  };
}

/** `*` any characters, `?` one; everything else stands for itself. */
function glob(pattern: string, flags = 'su'): RegExp {
  const source = pattern.replace(/[\\^$.*+?()[\]{}|/]/g, (found) =>
    found === '*' ? '.*' : found === '?' ? '.' : `\\${found}`,
  );
  return new RegExp(`^${source}$`, flags);
}
