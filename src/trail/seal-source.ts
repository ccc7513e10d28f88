/**
 * A seal's member `source`: how far the source was read, and from level 2 on what a writer needs to go on. Form
 * alone is checked here; what its numbers point at is for the verifier.
 */
import { expect, isCount, isHex, isText, type Members, members } from './seal-form.ts';

export interface SealSource {
  readonly from: string;
  readonly through: string;
  readonly transactions: number;
  readonly partial?: { readonly position: string; readonly next: number };
  /** The level whose rules the records follow; absent: 1. */
  readonly level?: number;
  /** Which server, in which life, `through` belongs to. Opaque. */
  readonly incarnation?: string;
  /** What decides which events the server delivers, and so counts indexes: plugin and publication. Opaque. */
  readonly stream?: string;
  /** From level 2 on; so are the members behind it. */
  readonly state?: SealState;
  /** What the server must still say of the last transaction that is sealed whole. */
  readonly witness?: Readonly<Record<string, string | number>>;
  /** How far the server's logs were read; `digest` is the SHA-256 in hex of what was read of the file. */
  readonly log?: readonly { readonly file: string; readonly digest: string; readonly offset: number }[];
  /** Those clocks less the writer's, in milliseconds. */
  readonly clock?: { readonly database_ms?: number; readonly store_ms?: number };
}

/** Where the records stand, as leaf indexes, that a writer needs to go on. */
export interface SealState {
  /** The last lifecycle record `started`, `source_reincarnated` or `tables`. */
  readonly policy?: number;
  /** The last lifecycle record `capture`. */
  readonly capture?: number;
  /** Gap and tamper records of level 2 that nobody has acknowledged, ascending. */
  readonly open?: readonly number[];
  /** How many such records there are beside those in `open`. */
  readonly more?: number;
}

/** Events of the lifecycle records that these two point at. */
export const STATE_EVENTS: { readonly [member in 'policy' | 'capture']: ReadonlySet<unknown> } = {
  policy: new Set(['started', 'source_reincarnated', 'tables']),
  capture: new Set(['capture']),
};

/** Open records that `source.state` names one by one. */
export const MAX_OPEN = 64;

/** The level of a `source` that `checkSource` has accepted or is about to refuse. */
export function levelOf({ level }: { readonly level?: unknown }): number {
  return isCount(level) ? level : 1;
}

export function checkSource(source: Members): void {
  expect(isText(source['from']), 'source.from');
  expect(isText(source['through']), 'source.through');
  expect(isCount(source['transactions']), 'source.transactions');
  const { level } = source;
  expect(level === undefined || (isCount(level) && level > 0), 'source.level');
  for (const name of ['incarnation', 'stream']) {
    expect(source[name] === undefined || isText(source[name]), `source.${name}`);
  }
  if (level === 2) checkLevel2(source);
  if (source['partial'] === undefined) return;
  const partial = members(source['partial'], 'source.partial');
  expect(isText(partial['position']), 'source.partial.position');
  expect(isCount(partial['next']) && partial['next'] > 0, 'source.partial.next');
}

function checkLevel2({ state, witness, log, clock }: Members): void {
  if (state !== undefined) checkState(members(state, 'source.state'));
  if (witness !== undefined) {
    const said = Object.values(members(witness, 'source.witness'));
    expect(said.length > 0 && said.every((each) => isText(each) || isCount(each)), 'source.witness');
  }
  if (log !== undefined) checkLog(log);
  if (clock !== undefined) {
    const { database_ms: database, store_ms: store } = members(clock, 'source.clock');
    expect(database !== undefined || store !== undefined, 'source.clock');
    expect(database === undefined || Number.isSafeInteger(database), 'source.clock.database_ms');
    expect(store === undefined || Number.isSafeInteger(store), 'source.clock.store_ms');
  }
}

function checkState({ policy, capture, open, more }: Members): void {
  expect(policy === undefined || isCount(policy), 'source.state.policy');
  expect(capture === undefined || isCount(capture), 'source.state.capture');
  expect(open === undefined || (Array.isArray(open) && isAscending(open)), 'source.state.open');
  const full = Array.isArray(open) && open.length === MAX_OPEN;
  expect(more === undefined || (isCount(more) && more > 0 && full), 'source.state.more');
}

function isAscending(leaves: readonly unknown[]): boolean {
  if (leaves.length > MAX_OPEN) return false;
  return leaves.every((leaf, i) => isCount(leaf) && (i === 0 || leaf > (leaves[i - 1] as number)));
}

function checkLog(log: unknown): void {
  expect(Array.isArray(log) && log.length > 0, 'source.log');
  for (const read of log as unknown[]) {
    const { file, digest, offset } = members(read, 'source.log');
    expect(isText(file) && isHex(digest) && isCount(offset), 'source.log');
  }
}
