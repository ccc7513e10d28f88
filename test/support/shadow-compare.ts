/**
 * Compares a trail with the shadow log: every committed change once, in order, with exact values, patch, image, key,
 * attribution, class and time. It returns the differences in words, the first ones; an empty list is the truth.
 */
import { applyPatch, canonical, type Exact, type ExactNumber, type ExactObject } from './exact-json.ts';
import type { ExpectedActor, ShadowChange, ShadowTransaction, Shape, TextRow } from './shadow.ts';
import { createNumbers, type Numbers } from './shadow-numbers.ts';
import { targetProblems } from './shadow-targets.ts';
import { changesWithRecord } from './shadow-unchanged.ts';
import { expectedValue, type Redactions, type Render } from './shadow-values.ts';
import type { ReadRecord, ReadTrail } from './trail-reader.ts';

export interface CompareOptions {
  readonly trail: ReadTrail;
  readonly shadow: readonly ShadowTransaction[];
  readonly engine: EngineOracle;
  /** Tables whose records are passed over. */
  readonly ignored?: readonly string[];
  /** Last part of the trail's name. */
  readonly label: string;
  /** Class and redactions of a table; null where it isn't recorded. */
  readonly policy: (
    schema: string,
    table: string,
  ) => { readonly class: string; readonly redactions: Redactions } | null;
}

/** What differs between the databases. */
export interface EngineOracle {
  /** The JSON that a type's text becomes. */
  readonly render: Render;
  /** Whether the stream has columns that are generated so. */
  readonly isSent: (generated: Shape['columns'][number][2]) => boolean;
  /** What a change's `connection` must say; null where nothing. */
  readonly connection: (
    change: ShadowChange,
    expected: ExpectedActor,
    actual: ExactObject | undefined,
  ) => ExactObject | null;
}

export interface Comparison {
  readonly differences: readonly string[];
  readonly changes: number;
  readonly transactions: number;
  /** Changes by tier and image, to see that the workload reached what it should. */
  readonly seen: Readonly<Record<string, number>>;
}

const MOST_DIFFERENCES = 25;

export function compareWithShadow(options: CompareOptions): Comparison {
  const differences: string[] = [];
  const seen: Record<string, number> = {};
  const differ = (text: string) => {
    if (differences.length < MOST_DIFFERENCES) differences.push(text);
  };
  const recorded = changesOf(options, differ);
  const expected = options.shadow.map((transaction) => ({
    ...transaction,
    changes: transaction.changes.filter((change) => isRecorded(options, change)),
  }));
  const total = expected.reduce((sum, { changes }) => sum + changes.length, 0);
  const least = expected.reduce((sum, { changes }) => sum + changes.filter((c) => !c.unchanged).length, 0);
  if (recorded.length < least || recorded.length > total)
    differ(`the database committed ${total} changes, the trail holds ${recorded.length}`);

  const numbers = createNumbers(options.trail.records, (name) => count(seen, name));
  let at = 0;
  for (const transaction of expected) {
    const { xid } = transaction;
    let end = at;
    while (end < recorded.length && transactionOf(recorded[end] as ReadRecord) === xid) end++;
    const own = recorded.slice(at, end);
    const fits = (record: ReadRecord, change: ShadowChange) =>
      problemsOf(options, transaction, change, record, numbers, {}).length === 0;
    const before = differences.length;
    for (const [i, change] of changesWithRecord(transaction.changes, own, fits).entries()) {
      const record = recorded[at];
      if (record === undefined) {
        differ(`missing: ${nameOf(change)} of transaction ${transaction.xid}`);
        continue;
      }
      if (transactionOf(record) !== xid) {
        differ(
          `${record.tree['id']} is of transaction ${transactionOf(record)}, expected ${nameOf(change)} of ${xid} (change ${i + 1} of ${transaction.changes.length})`,
        );
        differ(sideBySide(transaction, own));
        return { differences, changes: total, transactions: expected.length, seen };
      }
      at++;
      const problems = problemsOf(options, transaction, change, record, numbers, seen);
      for (const problem of [...problems, ...numbers.problems(record, change.shape)]) {
        differ(`${record.tree['id']} (${nameOf(change)}, shadow ${change.serial}): ${problem}`);
      }
    }
    if (before === 0 && differences.length > 0) differ(sideBySide(transaction, own));
  }
  for (const record of recorded.slice(at)) differ(`too many: ${record.line.slice(0, 200)}`);
  for (const problem of ddlProblems(options)) differ(problem);
  for (const problem of targetProblems(options.trail, options.shadow)) differ(problem);
  for (const problem of partialProblems(options.trail)) differ(problem);
  return { differences, changes: total, transactions: expected.length, seen };
}

function transactionOf({ tree }: ReadRecord): unknown {
  return textAt(tree, 'transaction', 'id');
}

const MOST_SHOWN = 3000;

/** The transaction as the shadow log has it, and as the trail does: whether a change is missing, or only told of wrongly. */
function sideBySide({ xid, changes }: ShadowTransaction, records: readonly ReadRecord[]): string {
  const shadow = changes.map((change) => `${nameOf(change)}${change.unchanged === true ? ' unchanged' : ''}`);
  const trail = records.map(({ tree }) => {
    const target = tree['target'] as ExactObject;
    const patch = tree['patch'];
    const of = `${tree['action']} ${target['schema']}.${target['table']} ${canonical(target['key'] ?? null)}`;
    return `${tree['id']} ${of}, ${Array.isArray(patch) ? patch.length : 'no'} operations`;
  });
  const shown = (lines: readonly string[]) => `${lines.length}: ${lines.join('; ')}`.slice(0, MOST_SHOWN);
  return `transaction ${xid}: shadow log ${shown(shadow)} — trail ${shown(trail)}`;
}

/** Change records by (number, index), after a look at the order in which they stand. */
function changesOf(
  { trail, label, ignored = [] }: CompareOptions,
  differ: (text: string) => void,
): ReadRecord[] {
  const lastOfClass = new Map<string, [number, number]>();
  const ids = new Set<unknown>();
  const placed: { record: ReadRecord; number: number; index: number }[] = [];
  const numbers = new Set<number>();
  for (const record of trail.records) {
    const transaction = record.tree['transaction'] as ExactObject | undefined;
    if (transaction === undefined) continue;
    const number = Number((transaction['number'] as ExactNumber).text);
    const index = Number((transaction['index'] as ExactNumber).text);
    numbers.add(number);
    const id = `${label}:${number}:${index}`;
    if (record.tree['id'] !== id) differ(`the id ${record.tree['id']} should be ${id}`);
    if (ids.has(id)) differ(`${id} stands twice`);
    ids.add(id);
    const [lastNumber, lastIndex] = lastOfClass.get(record.class) ?? [0, 0];
    if (number < lastNumber || (number === lastNumber && index <= lastIndex))
      differ(`${id} descends in class ${record.class}`);
    lastOfClass.set(record.class, [number, index]);
    const table = textAt(record.tree, 'target', 'table') as string;
    if (record.tree['kind'] === 'change' && !ignored.includes(table)) placed.push({ record, number, index });
  }
  for (let i = 1; i <= numbers.size; i++)
    if (!numbers.has(i)) differ(`no record has transaction number ${i}`);
  placed.sort((a, b) => a.number - b.number || a.index - b.index);
  return placed.map(({ record }) => record);
}

function isRecorded(options: CompareOptions, { shape }: ShadowChange): boolean {
  return shape.published && options.policy(shape.schema, shape.table) !== null;
}

function problemsOf(
  options: CompareOptions,
  transaction: ShadowTransaction,
  change: ShadowChange,
  record: ReadRecord,
  numbers: Numbers,
  seen: Record<string, number>,
): string[] {
  const { tree, class: className } = record;
  const problems: string[] = [];
  const check = checker(problems);
  const { shape } = change;
  const policy = options.policy(shape.schema, shape.table) as NonNullable<
    ReturnType<CompareOptions['policy']>
  >;
  check('action', tree['action'], change.op);
  check('class', className, policy.class);
  if (transaction.time !== null) check('time', tree['time'], transaction.time);
  const target = tree['target'] as ExactObject;
  check('table', { schema: target['schema'], table: target['table'] } as Exact, {
    schema: shape.schema,
    table: shape.table,
  });
  if (change.expect !== null) {
    const expected = [shape.attached ? change.expect.attached : change.expect.plain].flat();
    const found = expected.map((one) => ({ one, wrong: actorProblems(options.engine, tree, one, change) }));
    const right = found.find(({ wrong }) => wrong.length === 0);
    if (right === undefined) problems.push(...(found[0]?.wrong ?? []));
    else count(seen, `tier ${right.one.tier} ${right.one.via ?? ''}`.trim());
  }
  if (change.op === 'truncate') return problems;
  const redactions = numbers.areLost(record) ? severest(policy.redactions, shape) : policy.redactions;
  try {
    checkRow(options, change, shape, redactions, tree, check, (text) => problems.push(text), seen);
  } catch (error) {
    problems.push(
      `${(error as Error).message}: ${canonical((tree['patch'] ?? null) as Exact).slice(0, 600)}`,
    );
  }
  return problems;
}

/** Any column may be the one that is redacted most. */
function severest(redactions: Redactions, { columns }: Shape): Redactions {
  const asked = Object.values(redactions.columns);
  const worst = (['drop', 'mask', 'hmac'] as const).find((each) => asked.includes(each));
  if (worst === undefined) return redactions;
  return { ...redactions, columns: Object.fromEntries(columns.map(([name]) => [name, worst])) };
}

type Check = (what: string, actual: unknown, wanted: unknown) => void;

function checker(problems: string[]): Check {
  return (what, actual, wanted) => {
    const [is, should] = [canonical((actual ?? null) as Exact), canonical((wanted ?? null) as Exact)];
    if (is === should) return;
    let same = 0;
    while (is[same] === should[same]) same++;
    const shown = (text: string) =>
      `${same > 60 ? '…' : ''}${text.slice(same > 60 ? same - 40 : 0, same + 240)}`;
    problems.push(`${what} is ${shown(is)}, should be ${shown(should)}`);
  };
}

function actorProblems(
  engine: EngineOracle,
  tree: ExactObject,
  expected: ExpectedActor,
  change: ShadowChange,
): string[] {
  const problems: string[] = [];
  const check = checker(problems);
  const { tier, via, actor, session, request } = expected;
  check('attribution', tree['attribution'], via === undefined ? { tier } : { tier, via });
  check('actor', tree['actor'], actor);
  check('session', tree['session'], session);
  check('request', tree['request'], request);
  const actual = tree['connection'] as ExactObject | undefined;
  const connection = engine.connection(change, expected, actual);
  for (const [name, value] of Object.entries(connection ?? {}))
    check(`connection.${name}`, actual?.[name], value);
  return problems;
}

/** What a row's columns must have become. */
interface Side {
  readonly values: ExactObject;
  readonly encoded: ReadonlyMap<string, string>;
}

function checkRow(
  options: CompareOptions,
  change: ShadowChange,
  shape: Shape,
  redactions: Redactions,
  tree: ExactObject,
  check: Check,
  problem: (text: string) => void,
  seen: Record<string, number>,
): void {
  const columns = shape.columns.filter(
    ([name, , generated]) => options.engine.isSent(generated) && redactions.columns[name] !== 'drop',
  );
  const side = (row: TextRow | null): Side | null =>
    row && sideOf(row, columns, options.engine.render, redactions);
  const old = side(change.old);
  const now = side(change.new);
  const identity = identityOf(shape);
  const keyChanged = identity.some((name) => change.old?.[name] !== change.new?.[name]);
  const image = change.op === 'insert' || shape.identity === 'f' ? 'full' : 'key';
  check('image', tree['image'], image);
  count(seen, `${change.op} ${image}`);
  const key = keyOf(change, shape, identity, keyChanged, { old, now });
  check('key', (tree['target'] as ExactObject)['key'], key);
  const patch = tree['patch'] as unknown as { op: string; path: string; value?: Exact }[];
  const encoded = new Map<string, string>();
  if (change.op === 'insert') {
    check('patch', patch as unknown as Exact, [{ op: 'add', path: '', value: now?.values as Exact }]);
    for (const [name, kind] of now?.encoded ?? []) encoded.set(`/patch/0/value/${pointer(name)}`, kind);
  } else if (change.op === 'delete' && image === 'full') {
    check('patch', patch as unknown as Exact, [
      { op: 'test', path: '', value: old?.values as Exact },
      { op: 'remove', path: '' },
    ]);
    for (const [name, kind] of old?.encoded ?? []) encoded.set(`/patch/0/value/${pointer(name)}`, kind);
  } else if (change.op === 'delete') {
    const ordered = columns.filter(([name]) => identity.includes(name)).map(([name]) => name);
    const tests = ordered.map((name) => ({
      op: 'test',
      path: `/${pointer(name)}`,
      value: old?.values[name] as Exact,
    }));
    check('patch', patch as unknown as Exact, [...tests, { op: 'remove', path: '' }]);
  } else if (image === 'full' && key === null) {
    count(seen, 'update whole');
    check('patch', patch as unknown as Exact, [
      { op: 'test', path: '', value: old?.values as Exact },
      { op: 'replace', path: '', value: now?.values as Exact },
    ]);
    for (const [i, row] of [old, now].entries())
      for (const [name, kind] of row?.encoded ?? []) encoded.set(`/patch/${i}/value/${pointer(name)}`, kind);
  } else {
    checkUpdate(
      change,
      columns.map(([name]) => name),
      { old, now } as { old: Side; now: Side },
      image,
      identity,
      keyChanged,
      patch,
      encoded,
      check,
      problem,
    );
  }
  checkEncoded(tree, encoded, check);
}

function sideOf(row: TextRow, columns: Shape['columns'], render: Render, redactions: Redactions): Side {
  const values: ExactObject = {};
  const encoded = new Map<string, string>();
  for (const [name, type] of columns) {
    const expected = expectedValue(name, type, row[name] ?? null, render, redactions);
    if (expected === null) continue;
    values[name] = expected.value;
    if (expected.encoded !== null) encoded.set(name, expected.encoded);
  }
  return { values, encoded };
}

/** Names of the columns of which a stock update sends the old value when they change. */
function identityOf(shape: Shape): readonly string[] {
  if (shape.identity === 'd') return shape.primary ?? [];
  return shape.identity === 'i' ? (shape.index ?? []) : [];
}

/**
 * The key by FORMAT.md section 11: the primary key's columns as they were, where all are known, else the identity's; null
 * where there is none of either.
 */
function keyOf(
  change: ShadowChange,
  shape: Shape,
  identity: readonly string[],
  keyChanged: boolean,
  { old, now }: { old: Side | null; now: Side | null },
): ExactObject | null {
  const primary = shape.primary ?? [];
  const isWhole = change.op === 'insert' || shape.identity === 'f';
  const isKnown = isWhole || primary.every((name) => identity.includes(name));
  // A stock update sends no old row where its identity stays.
  const wasSent = shape.identity === 'f' || keyChanged || change.op === 'delete';
  const from = change.op === 'insert' || !wasSent ? now : old;
  for (const names of isKnown ? [primary, identity] : [identity]) {
    const key = names.filter((name) => from !== null && name in from.values);
    if (key.length > 0) return Object.fromEntries(key.map((name) => [name, from?.values[name] as Exact]));
  }
  return null;
}

/** A value as long as this may be stored out of line, where it isn't sent unless it changed. */
const MAYBE_TOASTED = 400;

function checkUpdate(
  change: ShadowChange,
  columns: readonly string[],
  { old, now }: { old: Side; now: Side },
  image: 'full' | 'key',
  identity: readonly string[],
  keyChanged: boolean,
  patch: readonly { op: string; path: string; value?: Exact }[],
  encoded: Map<string, string>,
  check: Check,
  problem: (text: string) => void,
): void {
  const expectedAfter: ExactObject = { ...now.values };
  const touched = new Set<string>();
  let order = -1;
  for (const [i, operation] of patch.entries()) {
    const step = operation.path.split('/')[1] ?? '';
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    touched.add(name);
    const place = columns.indexOf(name);
    if (place < order) problem(`the patch goes back to column ${name}`);
    order = place;
    if (operation.path === `/${step}`) {
      const kind = (operation.op === 'test' ? old : now).encoded.get(name);
      if (kind !== undefined) encoded.set(`/patch/${i}/value`, kind);
    }
    const before = patch[i - 1];
    const tested = before?.op === 'test' && before.path === operation.path;
    const bare = image === 'key' && !identity.includes(name);
    if ((operation.op === 'replace' || operation.op === 'remove') && tested === bare) {
      problem(
        `${operation.op} ${operation.path} ${bare ? 'has a test for what was never sent' : 'lacks its test'}`,
      );
    }
  }
  for (const name of columns) {
    const changed = change.old?.[name] !== change.new?.[name];
    const sent = image === 'key' && !identity.includes(name);
    if (sent && !touched.has(name)) {
      if (changed) problem(`${name} changed and is not in the patch`);
      else if ((change.new?.[name]?.length ?? 0) < MAYBE_TOASTED)
        problem(`${name} was sent and is not in the patch`);
    } else if (!sent && changed !== touched.has(name)) {
      problem(
        changed ? `${name} changed and is not in the patch` : `${name} did not change and is in the patch`,
      );
    }
  }
  if (image === 'key' && keyChanged !== identity.some((name) => touched.has(name)))
    problem('the key change is not in the patch');
  const after = applyPatch(old.values, patch as Parameters<typeof applyPatch>[1]) as Exact;
  check('the patched row', after, expectedAfter);
}

/** The `encoded` member: exactly these pointers, and those of the key. */
function checkEncoded(tree: ExactObject, encoded: ReadonlyMap<string, string>, check: Check): void {
  const actual = (tree['encoded'] ?? {}) as ExactObject;
  const own = Object.fromEntries(Object.entries(actual).filter(([path]) => !path.startsWith('/target/key/')));
  check('encoded', own, Object.fromEntries(encoded));
}

function* ddlProblems({ trail, shadow }: CompareOptions): Generator<string> {
  const tags = new Map<string, Set<string>>();
  for (const { tree } of trail.records) {
    if (tree['kind'] !== 'ddl') continue;
    const xid = textAt(tree, 'transaction', 'id') as string;
    tags.set(xid, (tags.get(xid) ?? new Set()).add(tree['tag'] as string));
  }
  for (const { xid, ddl } of shadow) {
    for (const tag of ddl)
      if (!tags.get(xid)?.has(tag)) yield `no ddl record says ${tag} in transaction ${xid}`;
  }
}

/** A seal that ends inside a transaction names its position, and the first event behind its last record. */
function* partialProblems({ seals, records }: ReadTrail): Generator<string> {
  let at = 0;
  let last: ExactObject | null = null;
  for (const { number, source } of seals) {
    for (; at < records.length && (records[at] as ReadRecord).seal <= number; at++) {
      const transaction = (records[at] as ReadRecord).tree['transaction'] as ExactObject | undefined;
      if (transaction !== undefined && (last === null || comesAfter(transaction, last))) last = transaction;
    }
    const { partial } = source;
    if (partial === undefined) continue;
    const index = Number((last?.['index'] as ExactNumber | undefined)?.text);
    if (last?.['position'] !== partial.position)
      yield `seal ${number}: partial is at ${partial.position}, its last record at ${last?.['position']}`;
    else if (index >= partial.next) yield `seal ${number}: partial.next is ${partial.next}`;
  }
}

function comesAfter(one: ExactObject, other: ExactObject): boolean {
  const of = (at: ExactObject, name: string) => Number((at[name] as ExactNumber).text);
  const numbers = of(one, 'number') - of(other, 'number');
  return numbers > 0 || (numbers === 0 && of(one, 'index') > of(other, 'index'));
}

const pointer = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

function textAt(tree: ExactObject, ...path: string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as ExactObject | undefined)?.[name], tree);
}

function nameOf({ op, shape, new: now, old }: ShadowChange): string {
  return `${op} ${shape.schema}.${shape.table} ${JSON.stringify((now ?? old)?.['id'] ?? null)}`;
}

function count(seen: Record<string, number>, name: string): void {
  seen[name] = (seen[name] ?? 0) + 1;
}
