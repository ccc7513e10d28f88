/**
 * Options of CREATE TABLE and ALTER TABLE (manuals: "table_option"): whether they leave the rows what they are. Those that are
 * not known here may bring other rows from elsewhere. Pure.
 */
import type { Effect } from './deeds.ts';
import { isSign, keyword, type Word } from './words.ts';

/** Storage engines that keep the rows that a table has, and have none of their own. */
const KEEPING = new Set([
  'INNODB',
  'MYISAM',
  'ARIA',
  'ROCKSDB',
  'MYROCKS',
  'TOKUDB',
  'ARCHIVE',
  'CSV',
  'MEMORY',
  'HEAP',
  'NDB',
  'NDBCLUSTER',
]);

/** Options with a value of one word. */
const HARMLESS = new Set([
  'AUTO_INCREMENT',
  'AUTOEXTEND_SIZE',
  'AVG_ROW_LENGTH',
  'CHARSET',
  'CHECKSUM',
  'COLLATE',
  'COMMENT',
  'COMPRESSION',
  'DELAY_KEY_WRITE',
  'ENCRYPTED',
  'ENCRYPTION',
  'ENCRYPTION_KEY_ID',
  'ENGINE_ATTRIBUTE',
  'INSERT_METHOD',
  'KEY_BLOCK_SIZE',
  'MAX_ROWS',
  'MIN_ROWS',
  'PACK_KEYS',
  'PAGE_CHECKSUM',
  'PAGE_COMPRESSED',
  'PAGE_COMPRESSION_LEVEL',
  'PASSWORD',
  'ROW_FORMAT',
  'SECONDARY_ENGINE',
  'SECONDARY_ENGINE_ATTRIBUTE',
  'STATS_AUTO_RECALC',
  'STATS_PERSISTENT',
  'STATS_SAMPLE_PAGES',
  'STORAGE',
  'TABLE_CHECKSUM',
  'TABLESPACE',
  'TRANSACTIONAL',
]);

/** What the options that begin here do to the rows; null where it is not understood. They end at a comma or a PARTITION. */
export function effectOfOptions(words: readonly Word[], from: number): Effect[] | null {
  let effects: Effect[] = [];
  for (let at = from; at < words.length && !isSign(words[at], ',') && !isSign(words[at], ';'); ) {
    if (keyword(words, at) === 'DEFAULT') at++;
    const [first, second] = [keyword(words, at), keyword(words, at + 1)];
    if ((first === 'PARTITION' && second === 'BY') || (first === 'REMOVE' && second === 'PARTITIONING'))
      return effects;
    const isPair =
      (first === 'CHARACTER' && second === 'SET') ||
      (/^(?:DATA|INDEX)$/.test(first) && second === 'DIRECTORY');
    if (isPair) at++;
    const value = isSign(words[at + 1], '=') ? at + 2 : at + 1;
    if (first === 'ENGINE') {
      if (!keepsRows(words[value])) effects = ['replaces'];
    } else if (!isPair && !HARMLESS.has(first)) return null;
    if (words[value] === undefined) return null;
    at = value + 1;
  }
  return effects;
}

/** Whether a table of this engine has the rows that were written to it, and no others. */
export function keepsRows(engine: Word | undefined): boolean {
  return engine !== undefined && KEEPING.has(engine.text.toUpperCase());
}
