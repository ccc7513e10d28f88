/** What can be known of docker-compose.yml without Docker: it parses, its references hold, its configuration is valid. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        depends_on?: object;
        configs?: { source: string }[];
        volumes?: string[];
        environment?: Record<string, string>;
      }
    >
  >;
  readonly configs: Readonly<Record<string, { content: string }>>;
  readonly volumes: object;
}

const file = new URL('../../docker-compose.yml', import.meta.url);
// Merge keys and anchors as Compose reads them.
const compose = parse(readFileSync(file, 'utf8'), { merge: true }) as Compose;

it('every service, volume and config that is referred to is there', () => {
  for (const { depends_on = {}, configs = [], volumes = [] } of Object.values(compose.services)) {
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(depends_on)));
    for (const { source } of configs) expect(Object.keys(compose.configs)).toContain(source);
    for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  }
});

it('its configuration is valid, with the variables that the service sets', () => {
  const text = compose.configs['rowseal']?.content.replaceAll('$$', '$') ?? '';
  const { environment = {} } = compose.services['rowseal'] ?? {};
  const config = parseConfig(text, 'docker-compose.yml', environment);
  expect(config.store).toMatchObject({ type: 's3', bucket: 'rowseal-audit', lock: 'compliance' });
  expect(config.metrics.listen).toBe('0.0.0.0:9464');
});
