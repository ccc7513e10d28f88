/**
 * The one seam between the commands and the database engines: what run, doctor, setup and status need of whichever
 * engine a trail captures. A command never asks which engine it is; an engine never prints.
 */
import type { Log } from '../../base/log.ts';
import type { Policy } from '../../change/policy/policy.ts';
import type { Spool } from '../../change/spool.ts';
import type { Check, Plan, Step, Unchecked } from '../../source/preflight.ts';
import type { ChangeSource } from '../../source/source.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Engine {
  /** What the server holds for the trail; the member of `status --json` that tells of it. */
  readonly serverSide: 'slot' | 'binlog';
  /** For the daemon, once a trail. */
  capture(setting: CaptureSetting): Capture;
  /** Every precondition on the database's side. What could not be asked is `unchecked`, and throws nothing. */
  diagnose(): Promise<EngineDiagnosis>;
  /** Connects as the admin: ROWSEAL_ADMIN_URL, or the URL in `adminUrlFile`. Throws RowsealError. */
  openSetup(adminUrlFile: string | undefined): Promise<SetupSession>;
  /** Asks how far the server is, changing nothing. Throws what connecting throws. */
  askServer(): Promise<ServerWord>;
}

export interface CaptureSetting {
  readonly policy: Policy;
  /** The configuration's path, which remedies name. */
  readonly file: string;
  readonly log: Log;
  /** Where a source keeps what it may not deliver yet and memory does not hold. */
  readonly overflow?: { readonly open: () => Spool & { close(): void }; readonly maxBytes: number };
  /** Milliseconds between looks at what the capture depends on; the source's own where it is not given. */
  readonly watchMs?: number;
}

export interface Capture {
  /** A fresh source for each connection. */
  connect(): ChangeSource;
  /** What is wrong with the capture right now, with what mends it. */
  problems(): readonly string[];
  /** How long the server may keep the connection of a daemon that died, milliseconds: longer, and it is another's that lives. */
  readonly patienceMs: number;
}

export interface EngineDiagnosis {
  readonly checks: readonly Check[];
  readonly unchecked: readonly Unchecked[];
  /** Whether trail and server belong together (invariants I1 and I5). Null: there is no trail. */
  readonly judgeHead: (head: { readonly number: number; readonly through: string } | null) => Check;
}

export interface SetupSession {
  /** `uninstall`: null to install. */
  plan(uninstall: Uninstall | null): Promise<Plan>;
  /** What stands before the steps when they are printed for the database's own command line. */
  readonly prologue: string;
  /** Each step stands by itself: a crash or a refusal in between leaves what the next run completes. Throws RowsealError. */
  run(step: Step): Promise<void>;
  close(): Promise<void>;
}

export interface Uninstall {
  /** The head's position; null where there is no trail, or it could not be read. */
  readonly through: string | null;
}

/** What the server said, and what it means beside the head's `through`. */
export interface ServerWord {
  /** End of the server's log. */
  readonly position: string;
  /** Whether somebody streams for this trail right now; null where that cannot be seen. */
  readonly streaming: boolean | null;
  /** What `streaming` is said of: `the slot`. */
  readonly from: string;
  /** For --json. */
  readonly facts: Readonly<Record<string, unknown>> | null;
  /** For people, as a line of the table. */
  readonly shown: string | null;
  /** What lies between `through` and the server's end; null where it can't be told. */
  behind(through: string): Behind;
  /** What is wrong between the trail and the server, in words for people. */
  wrong(through: string): readonly string[];
}

export interface Behind {
  readonly bytes: number | null;
  /** Only where bytes can't be told. */
  readonly transactions?: number;
}
