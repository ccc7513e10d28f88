/** Durations and sizes as people write them in a configuration: `5s`, `400d`, `16MiB`. Pure. */

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `250ms`, `5s`, `10m`, `2h`, `1d` → milliseconds; undefined where the text is none of these. */
export function parseDurationMs(text: string): number | undefined {
  return scaled(text, /^(\d{1,12})(ms|s|m|h|d)$/, DURATION_MS);
}

/** `512B`, `64KiB`, `16MiB`, `1GB` → bytes; undefined where the text is none of these. */
export function parseBytes(text: string): number | undefined {
  return scaled(text, /^(\d{1,12})(B|KB|MB|GB|KiB|MiB|GiB)$/, SIZE_BYTES);
}

function scaled(text: string, form: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const value = Number(match[1]) * (units[match[2] as string] as number);
  return Number.isSafeInteger(value) ? value : undefined;
}
