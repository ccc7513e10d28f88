import { describe, expect, it } from 'vitest';
import { KEY_TYPES, type KeyType, parseVkey, vkeyOf } from './vkey.ts';

const sizes: Readonly<Record<KeyType, number>> = {
  ed25519: 32,
  'ed25519-cosigner': 32,
  'ml-dsa-44-cosigner': 1312,
};
const types = Object.keys(KEY_TYPES) as KeyType[];

describe('vkeys', () => {
  it('are that of the specification', () => {
    const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
    expect(parseVkey(vkey)).toMatchObject({ name: 'example.com/foo', id: '530d903a', type: 'ed25519', vkey });
  });

  it.each(types)('of type %s come back as they went', (type) => {
    const publicKey = Buffer.alloc(sizes[type], 7);
    const key = vkeyOf('w.example/é', type, publicKey);
    expect(parseVkey(key.vkey)).toEqual(key);
    expect(key.publicKey).toEqual(publicKey);
    for (const size of [0, sizes[type] - 1, sizes[type] + 1]) {
      const { vkey } = vkeyOf('w', type, Buffer.alloc(size));
      expect(() => parseVkey(vkey), vkey).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    }
  });

  it('have an id for each type, and no other', () => {
    const [one, two] = [
      vkeyOf('w', 'ed25519', Buffer.alloc(32)),
      vkeyOf('w', 'ed25519-cosigner', Buffer.alloc(32)),
    ];
    expect(one.id).not.toBe(two.id);
    for (const bad of [
      one.vkey.replace(one.id, two.id),
      ` ${one.vkey}`,
      `${one.vkey}\n`,
      one.vkey.replace('w+', 'w w+'),
      '',
      '+',
    ]) {
      expect(() => parseVkey(bad), bad).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    }
  });

  it('of other types are refused by their type', () => {
    const typed = Buffer.concat([Buffer.of(2), Buffer.alloc(32)]).toString('base64');
    expect(() => parseVkey(`w+00000000+${typed}`)).toThrow('type 0x02');
  });
});
