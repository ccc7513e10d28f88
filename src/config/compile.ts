/** From the configuration to what the pipeline works with: policy, retentions, and what the trail says of both. */
import { readFileSync } from 'node:fs';
import { RowsealError } from '../base/errors.ts';
import { compilePolicy, type Policy } from '../change/policy/policy.ts';
import { TRAIL_CLASS } from '../trail/names.ts';
import { parseRetention, type Retention } from '../trail/retention.ts';
import type { Config, TrailConfig } from './schema.ts';

const MIN_HMAC_KEY_BYTES = 32;

/** The trail's policy, with the HMAC key read from its file. Throws `config_invalid`. */
export function policyOf(config: Config, trail: TrailConfig): Policy {
  const { hmac_key_file: file, hmac_key_id: id, max_value_bytes: maxValueBytes } = config.redaction;
  const hmac = file === undefined ? null : { id, key: readHmacKey(file) };
  return compilePolicy({ tables: trail.tables, actors: config.actors, hmac, maxValueBytes });
}

/** How long each class of the trail is kept; `all` holds every retention in force. */
export function retentionsOf(
  config: Config,
  trail: TrailConfig,
): { of: (className: string) => Retention; all: readonly Retention[] } {
  const names = [...new Set(['default', ...trail.tables.map((table) => table.class)])];
  const byClass = new Map(names.map((name) => [name, retentionText(config, name)]));
  const of = (className: string) => parseRetention(retentionText(config, className)) as Retention;
  return { of, all: [...byClass.keys()].map(of) };
}

/** What lifecycle records say is in force: tables, classes, retentions, redactions. No secrets, no addresses. */
export function effectiveConfig(config: Config, trail: TrailConfig): Readonly<Record<string, unknown>> {
  const classes = [...new Set(['default', ...trail.tables.map((table) => table.class)])];
  return {
    configuration: {
      tables: trail.tables.map(effectiveTable),
      retention: Object.fromEntries(classes.map((name) => [name, retentionText(config, name)])),
      redaction: {
        hmac_key_id: config.redaction.hmac_key_id,
        max_value_bytes: config.redaction.max_value_bytes,
      },
      ...effectiveSource(trail.source),
    },
  };
}

function effectiveTable({ match, exclude, ...rule }: TrailConfig['tables'][number]): object {
  if (exclude) return { match, exclude };
  const { columns, former_columns } = rule;
  const some = (redactions: object) => Object.keys(redactions).length > 0;
  return {
    match,
    class: rule.class,
    ...(some(columns) ? { columns } : {}),
    ...(some(former_columns) ? { former_columns } : {}),
  };
}

/** What decides which events arrive, as far as it is ours to say. */
function effectiveSource(source: TrailConfig['source']): Readonly<Record<string, unknown>> {
  switch (source.type) {
    case 'postgres':
      return { plugin: source.plugin, publication: source.publication, slot: source.slot };
    case 'mysql':
    case 'mariadb':
      return { server_id: source.server_id };
    default:
      return source satisfies never;
  }
}

function retentionText(config: Config, className: string): string {
  if (className === TRAIL_CLASS) return config.retention.default;
  return config.retention.classes[className] ?? config.retention.default;
}

function readHmacKey(file: string): Buffer {
  let key: Buffer;
  try {
    key = readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new RowsealError('config_invalid', `redaction.hmac_key_file: cannot read ${file}: ${code}.`, {
      cause,
    });
  }
  if (key.length < MIN_HMAC_KEY_BYTES) {
    throw new RowsealError('config_invalid', `redaction.hmac_key_file: ${file} holds fewer than 32 bytes.`, {
      hint: `Make one with: openssl rand -hex 32 > ${file} && chmod 600 ${file}`,
    });
  }
  return key;
}
