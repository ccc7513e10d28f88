/**
 * `npm run sbom`: what the package is made of, by name, version and hash, as CycloneDX in dist/sbom.cdx.json. npm makes it
 * of package-lock.json without the development dependencies, since its own `sbom --omit dev` also leaves out what
 * development needs as well. Asks no registry, and is the same for the same lock.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly dev?: boolean;
  readonly devDependencies?: unknown;
}
interface Lock {
  readonly packages: Readonly<Record<string, Manifest>>;
}

const root = new URL('../../', import.meta.url);
const HOW = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only', '--offline'];

export function writeSbom(): void {
  const manifest = read<Manifest>('package.json');
  const folder = mkdtempSync(join(tmpdir(), 'rowseal-sbom-'));
  try {
    writeFileSync(join(folder, 'package.json'), text(withoutDev(manifest)));
    writeFileSync(join(folder, 'package-lock.json'), text(productionLock()));
    const made = execFileSync('npm', ['sbom', ...HOW], { cwd: folder, encoding: 'utf8' });
    const { serialNumber: _, ...sbom } = JSON.parse(made);
    delete sbom.metadata.timestamp;
    sbom.metadata.component.name = manifest.name; // npm calls it as the folder is called
    mkdirSync(new URL('dist', root), { recursive: true });
    writeFileSync(new URL('dist/sbom.cdx.json', root), text(sbom));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function productionLock(): Lock {
  const { packages, ...rest } = read<Lock>('package-lock.json');
  const kept = Object.entries(packages).filter(([, { dev }]) => dev !== true);
  return { ...rest, packages: Object.fromEntries(kept.map(([place, one]) => [place, withoutDev(one)])) };
}

function withoutDev({ devDependencies: _, ...rest }: Manifest): Manifest {
  return rest;
}

const read = <T>(name: string) => JSON.parse(readFileSync(new URL(name, root), 'utf8')) as T;
const text = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

if (import.meta.main) writeSbom();
