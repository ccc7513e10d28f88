/**
 * Checkpoints as https://c2sp.org/tlog-checkpoint defines them: origin, decimal size, base64 root, and for us
 * no extension lines. It must never accept two texts for one checkpoint.
 */
import { decodeHash } from './base64.ts';
import { refusal } from './refuse.ts';

export interface Checkpoint {
  /** The trail's name. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  readonly root: Buffer;
}

/** The text that a note signs: three lines, each with its LF. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Parses a note's text. Throws a refusal `checkpoint_malformed`. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.length !== 4 || lines[3] !== '') throw malformed('it must have three lines');
  const [origin, size, root] = lines as [string, string, string, string];
  if (origin === '') throw malformed('it has no origin');
  if (!/^(?:0|[1-9][0-9]*)$/.test(size) || !Number.isSafeInteger(Number(size))) throw malformed('its size');
  const bytes = decodeHash(root);
  if (bytes === null) throw malformed('its root is not 32 bytes in canonical base64');
  return { origin, size: Number(size), root: bytes };
}

function malformed(message: string): Error {
  return refusal('checkpoint_malformed', `the checkpoint is malformed: ${message}`);
}
