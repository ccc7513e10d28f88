/**
 * `npm run build`: dist as the package carries it. The sources compiled without their tests, the launcher beside them, the
 * commit that they are (base/version.ts reads it), and what they are made of (`npm run sbom`).
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { commitOf } from '../../src/base/version.ts';
import { writeSbom } from './sbom.ts';

const root = new URL('../../', import.meta.url);
const src = new URL('src/', root);
const dist = new URL('dist/', root);

rmSync(dist, { recursive: true, force: true });
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [compiler, '-p', 'src/tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
for (const name of readdirSync(src))
  if (name.endsWith('.cjs')) copyFileSync(new URL(name, src), new URL(name, dist));
writeFileSync(new URL('build.json', dist), `${JSON.stringify({ commit: await commitOf(root.pathname) })}\n`);
writeSbom();
