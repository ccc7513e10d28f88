/**
 * How often a property is tried: `npm test` tries it as often as its test says, the daily round (`npm run test:unit`)
 * `ROWSEAL_RUNS` times as often, but never less than a few times.
 */
export function runs(wanted: number): number {
  return Math.min(wanted, Math.max(FEWEST, Math.round(wanted * SHARE)));
}

const FEWEST = 25;
const SHARE = Number(process.env['ROWSEAL_RUNS'] ?? 1);
