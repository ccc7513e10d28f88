/** Which server and shop the demo plays on. */
import { RowsealError } from '../base/errors.ts';
import type { ShopKind } from './common/demo-shop.ts';
import type { Environment } from './common/engine.ts';
import { mysqlKind } from './mysql/demo/shop.ts';
import { postgresKind } from './postgres/demo/shop.ts';

/** Throws `usage`. */
export function demoOf(source: string, env: Environment): ShopKind {
  switch (source) {
    case 'postgres':
      return postgresKind;
    case 'mysql':
    case 'mariadb':
      return mysqlKind(source, env);
    default:
      throw new RowsealError('usage', `There is no demo on ${source}.`, {
        hint: '--source is postgres, mysql or mariadb.',
      });
  }
}
