import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { RowsealError } from './errors.ts';
import { createLog } from './log.ts';

it("an operator's error carries its code and no stack; a defect keeps its stack", () => {
  const out = new PassThrough();
  const log = createLog('info', out);
  log.error({ err: new RowsealError('slot_in_use', 'it is in use') }, 'stopped');
  log.error({ err: new TypeError('undefined is not a function') }, 'stopped');
  const [known, defect] = String(out.read())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).err);
  expect(known).toMatchObject({ code: 'slot_in_use', message: 'it is in use' });
  expect(known.hint).toContain('one daemon alone');
  expect(JSON.stringify(known)).not.toContain('log.test.ts');
  expect(defect.stack).toContain('log.test.ts');
});
