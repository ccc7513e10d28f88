/**
 * The names of what a verifier can find, and the log that gathers them. A finding says that evidence is missing
 * or altered; a notice, interference or residue that altered nothing; `unchecked`, that we could not look. The
 * log is bounded: a hostile trail may hold any number of faults.
 */

type Severity = 'finding' | 'notice' | 'unchecked';

/** Every code, its severity and its meaning; FORMAT.md and docs/auditors.md refer to this table. */
export const CODES = {
  // Seal files, each by itself.
  seal_missing: ['finding', 'a seal below the head is not there'],
  seal_malformed: ['finding', 'a seal file is not laid out as the format says'],
  seal_too_large: ['finding', 'a seal file is over 1 MiB'],
  seal_json: ['finding', 'the JSON of a seal is not strict JSON'],
  seal_member: ['finding', 'a member of a seal is missing, of the wrong type or out of range'],
  seal_number: ['finding', 'a seal bears another number than its place: it was copied or moved'],
  seal_trail: ['finding', 'a seal belongs to another trail'],
  seal_counts: ['finding', 'the counts of a seal’s segments do not add up, or a class is repeated'],
  note_malformed: ['finding', 'the signed note of a seal is malformed'],
  checkpoint_malformed: ['finding', 'the checkpoint of a seal is malformed'],
  checkpoint_root: [
    'finding',
    'the signed root does not cover this seal: the seal or its checkpoint was changed',
  ],
  checkpoint_size: ['finding', 'the signed size is not that of the seal'],
  signature_missing: ['finding', 'no signature by the key'],
  signature_invalid: ['finding', 'a signature by the key does not verify'],
  log_key_mismatch: ['finding', 'the key named in seal 0 or the genesis record is another one'],
  no_signed_seal: ['finding', 'the trail has not one seal signed by the key'],
  next_key_unsigned: ['finding', 'a seal that names the next key is not signed by it too'],
  seal_forked: [
    'finding',
    'the key signed a second seal of this number, which no later seal lists as abandoned: two histories',
  ],
  head_behind: [
    'finding',
    'a key of the trail signed a checkpoint beyond the head: newer seals are gone or spoiled',
  ],
  // The chain of seals.
  previous_mismatch: ['finding', 'a seal does not follow from the seal before it'],
  first_mismatch: ['finding', 'a seal does not begin where the tree before it ended'],
  before_mismatch: ['finding', 'the range before a seal is not the tree that was signed before'],
  sealed_at_descends: ['finding', 'a seal is older than the one before it'],
  level_back: ['finding', 'a seal follows an earlier level of the format than the one before it'],
  source_gap: ['finding', 'a seal does not continue where the one before it ended, and admits no gap'],
  gap_unrecorded: ['finding', 'a gap that a seal names has no gap record in it'],
  partial_rule: [
    'finding',
    'the note about an unfinished transaction contradicts the seal before or the records',
  ],
  transactions_rule: [
    'finding',
    'the transaction numbers of a seal contradict its records or the seal before',
  ],
  state_rule: [
    'finding',
    'what a seal says of where records stand contradicts the records or the seal before',
  ],
  key_record: ['finding', 'a seal’s next key has no key record in it, or a key record no next key'],
  retention_rule: [
    'finding',
    'a retention date ends before the seal, beyond it, or elsewhere than the seal’s',
  ],
  head_mismatch: ['finding', 'the trail does not contain the head that you remembered'],
  // Segments.
  segment_path: ['finding', 'a seal names a segment by another path than the computed one'],
  segment_missing: ['finding', 'a segment is not there although its retention has not ended'],
  segment_first: ['finding', 'the segments of a seal are not one after another'],
  bytes_mismatch: ['finding', 'a segment’s object has another size than the seal says'],
  sha256_mismatch: ['finding', 'a segment’s object has another SHA-256 than the seal says'],
  frame_malformed: ['finding', 'a segment is not one whole zstd frame'],
  frame_skippable: ['finding', 'a segment begins with a skippable frame'],
  frame_trailing: ['finding', 'something follows a segment’s zstd frame'],
  frame_dictionary: ['finding', 'a segment needs a dictionary'],
  frame_window: ['finding', 'a segment needs a window of more than 8 MiB'],
  frame_corrupt: ['finding', 'a segment does not decompress'],
  plain_bytes_mismatch: ['finding', 'a segment holds another number of plain bytes than the seal says'],
  count_mismatch: ['finding', 'a segment holds another number of records than the seal says'],
  range_mismatch: ['finding', 'the records of a segment do not hash to what the seal says'],
  // Records.
  record_unended: ['finding', 'a segment does not end with the LF of its last record'],
  record_too_large: ['finding', 'a record is over 16 MiB'],
  record_json: ['finding', 'a record is not strict JSON'],
  record_member: ['finding', 'a record lacks a member, or one is malformed'],
  record_id: [
    'finding',
    'a record’s id is not made of its trail, number and index, or that of an auth record is not the next one',
  ],
  record_order: [
    'finding',
    'a record repeats or comes before an earlier one of its class, or of an earlier seal',
  ],
  record_transaction: [
    'finding',
    'the records of a transaction differ in its id, position or time, or two transactions have one position',
  ],
  record_class: ['finding', 'a record stands in a class where its kind may not be'],
  record_kind: ['finding', 'a record of kind seal, or a second genesis'],
  record_encoded: ['finding', 'a record’s encoded points to nothing, or to what its kind does not allow'],
  genesis_missing: ['finding', 'the first record is not a genesis record of this trail'],
  patch_malformed: ['finding', 'a change’s patch is malformed'],
  patch_irreversible: ['finding', 'a change of full image has no test before a replace or remove'],
  patch_inapplicable: ['finding', 'a change’s patch does not apply to what it tests, or does not reverse'],
  // Locks.
  lock_missing: ['finding', 'an object that should be locked has no lock'],
  lock_mode: ['finding', 'an object’s lock is not in COMPLIANCE mode'],
  lock_short: ['finding', 'an object’s lock ends before its retention'],
  // Interference and residue.
  seal_junk: ['notice', 'something above the head, or where a first seal has expired, that is no valid seal'],
  seal_version_invalid: ['notice', 'a further version of a seal that is not a valid one'],
  further_version: ['notice', 'a further, different version of an object'],
  delete_marker: ['notice', 'a delete marker hides an object that should be there'],
  stray_segment: ['notice', 'a segment that no seal names'],
  stray_object: ['notice', 'an object that is not of the format'],
  stray_cosignature: ['notice', 'an object under cosignatures/ that is no cosignature of the seal it names'],
  stray_token: ['notice', 'an object under timestamps/ that is no time-stamp token of the seal it names'],
  stray_pack: ['notice', 'an object under _packs/ that is no pack, or that differs from the trail'],
  lock_weak: ['notice', 'a cosignature, a token or a pack is not locked as long as what it belongs to'],
  // What could not be checked.
  not_read: ['unchecked', 'the store did not hand over an object'],
  no_anchor: ['unchecked', 'the first seals have expired, and no key was given'],
  key_missing: [
    'unchecked',
    'seals signed by other generations of the trail’s key than the given one leads to',
  ],
  key_name: ['unchecked', 'the given key’s name is no trail’s name'],
  no_trail: ['unchecked', 'there is no trail at this place'],
  level_unknown: [
    'unchecked',
    'records follow rules of a later level than this verifier knows: use a newer one',
  ],
  too_many: ['unchecked', 'more than this verifier takes'],
} as const satisfies Record<string, readonly [Severity, string]>;

export type FindingCode = keyof typeof CODES;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Path of the object it is about; the trail's root where it is about no single one. */
  readonly object: string;
  readonly seal?: number;
  /** Leaf index of the record it is about. */
  readonly leaf?: number;
  readonly message: string;
}

/** A fault of one object, before its place is known. */
export interface Fault {
  readonly code: FindingCode;
  readonly message: string;
  readonly leaf?: number;
}

export interface FindingLog {
  add(code: FindingCode, object: string, message: string, place?: { seal?: number; leaf?: number }): void;
  /** In the order of seals, then as they came. */
  list(severity: Severity): readonly Finding[];
  count(severity: Severity): number;
}

/** Kept of each severity; all are counted. */
const KEPT = 1000;

export function createFindingLog(): FindingLog {
  const kept: Record<Severity, Finding[]> = { finding: [], notice: [], unchecked: [] };
  const counts: Record<Severity, number> = { finding: 0, notice: 0, unchecked: 0 };
  return {
    add(code, object, message, place = {}) {
      const severity = CODES[code][0];
      counts[severity] += 1;
      if (kept[severity].length < KEPT) kept[severity].push({ code, severity, object, ...place, message });
    },
    list: (severity) =>
      kept[severity].toSorted((a, b) => (a.seal ?? Number.MAX_VALUE) - (b.seal ?? Number.MAX_VALUE)),
    count: (severity) => counts[severity],
  };
}

export function isFindingCode(code: string): code is FindingCode {
  return Object.hasOwn(CODES, code);
}
