import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { parseNote, parseSigner, parseVerifierKey, signerOf, signNote, verifyNote } from './note.ts';
import { findingOf } from './refuse.ts';

const seed = Buffer.alloc(32, 7);
const { signer, text } = signerOf('log.example.com/t', seed);
const other = signerOf('log.example.com/t', Buffer.alloc(32, 8)).signer;

const finding = (run: () => unknown): string | null => {
  try {
    run();
  } catch (error) {
    return findingOf(error) ?? String(error);
  }
  return null;
};

describe('keys', () => {
  it('reads the vkey of the specification', () => {
    const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
    expect(parseVerifierKey(vkey).vkey).toBe(vkey);
  });

  it('reads and writes keys in the encoding of Go, and they sign', () => {
    expect(text).toMatch(/^PRIVATE\+KEY\+log\.example\.com\/t\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/);
    expect(parseSigner(`${text}\n`).key.vkey).toBe(signer.key.vkey);
    // From golang.org/x/mod/sumdb/note's documentation.
    const skey = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
    expect(parseSigner(skey).key.vkey).toBe(
      'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    );
  });

  it.each([
    'a',
    'n+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l',
    'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/f oo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  ])('refuses %s', (vkey) => {
    expect(() => parseVerifierKey(vkey)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });
});

describe('notes', () => {
  it('verify with their key, ignore unknown keys, refuse a bad line of a known key', async () => {
    const note = await signNote('a\nb\n', [signer, other]);
    expect(verifyNote(parseNote(note), [signer.key])).toEqual([signer.key.vkey]);
    expect(verifyNote(parseNote(note), [])).toEqual([]);
    expect(verifyNote(parseNote(note), [signer.key, other.key])).toHaveLength(2);
    const forged = note.replace('a\nb', 'a\nc');
    expect(finding(() => verifyNote(parseNote(forged), [signer.key]))).toBe('signature_invalid');
    const twice = `${await signNote('x\n', [signer])}${note.split('\n').at(-3)}\n`;
    expect(finding(() => verifyNote(parseNote(twice), [signer.key]))).toBe('signature_invalid');
  });

  it('refuses whatever is malformed', async () => {
    const note = await signNote('a\n', [signer]);
    const line = note.split('\n')[2]!;
    const spoiled = [
      note.slice(0, -1),
      'a\n',
      'a\n\n',
      note.replace('\u2014 ', '- '),
      note.replace(line, `${line} `),
      note.replace(line, line.slice(0, -1)),
      note.replace(/=?\n$/, '==\n'),
      note.replace('a\n', 'a\r\n'),
      note.replace('a\n', '\ufffd\n'),
      `${note}\n`,
      note + `${line}\n`.repeat(100),
    ];
    for (const bad of spoiled)
      expect(
        finding(() => parseNote(bad)),
        bad,
      ).toBe('note_malformed');
  });

  it('refuse base64 with bits left over', () => {
    // 66 + … ends in "=": the last character before it carries two bits that must be zero.
    const payload = Buffer.alloc(68, 1).toString('base64');
    const loose = `${payload.slice(0, -2)}F=`;
    expect(Buffer.from(loose, 'base64')).toEqual(Buffer.alloc(68, 1));
    expect(finding(() => parseNote(`a\n\n\u2014 n ${loose}\n`))).toBe('note_malformed');
    expect(finding(() => parseNote(`a\n\n\u2014 n ${payload}\n`))).toBe(null);
  });

  it('end on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (t) => finding(() => parseNote(t)) !== undefined));
  });
});

describe('checkpoints', () => {
  it('come back as they went', () => {
    const checkpoint = { origin: 'log.example.com/t', size: 8, root: Buffer.alloc(32, 3) };
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  it('are refused where two texts could mean one', () => {
    const good = formatCheckpoint({ origin: 'o', size: 8, root: Buffer.alloc(32, 3) });
    const root = Buffer.alloc(32, 3).toString('base64');
    for (const bad of ['o\n08\n', 'o\n+8\n', 'o\n8 \n', 'o\n9007199254740992\n', 'o\n-1\n', '\n8\n']) {
      expect(
        finding(() => parseCheckpoint(`${bad}${root}\n`)),
        bad,
      ).toBe('checkpoint_malformed');
    }
    for (const bad of [good.slice(0, -1), `${good}x\n`, good.replace('=', ''), 'o\n8\nAAAA\n']) {
      expect(
        finding(() => parseCheckpoint(bad)),
        bad,
      ).toBe('checkpoint_malformed');
    }
  });
});
