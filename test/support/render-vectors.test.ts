import { expect, it } from 'vitest';
import { given, renderVectors } from './render-vectors.ts';

it('the hand-made trails of test/vectors are what renders them, to the byte', async () => {
  for (const [vector, files] of Object.entries(await renderVectors())) {
    const committed = given(vector);
    expect([...files.keys()].sort(), vector).toEqual(committed.map(([path]) => path));
    for (const [path, bytes] of committed) {
      expect(files.get(path)!.equals(bytes), `${vector}/${path}`).toBe(true);
    }
  }
});
