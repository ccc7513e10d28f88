/** `rowseal run`: builds each configured trail's parts and runs them side by side; one that stops doesn't stop the others. */
import type { Server } from 'node:http';
import { RowsealError } from '../../base/errors.ts';
import { createLog } from '../../base/log.ts';
import { createMetrics } from '../../base/metrics.ts';
import { text } from '../../base/text.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, TrailConfig } from '../../config/schema.ts';
import { type Command, type CommandIo, parseCommandLine } from '../command.ts';
import { serveDaemonHttp } from './http.ts';
import { createRunningTrail, type Given } from './running-trail.ts';

const HELP = text`rowseal run: the daemon.

Usage: rowseal run -c rowseal.yaml [options]

  -c, --config FILE          the configuration (see config.example.yaml)
      --trail NAME           run this trail alone
      --accept-gap=POSITION  go on behind a hole, once: the position that the error named; it is sealed as a gap
      --log-level LEVEL      debug, info (default), warn, error

It logs one JSON object a line on stdout, and serves /metrics and /healthz at metrics.listen.
The first SIGTERM or SIGINT seals what is open, acknowledges it and leaves with 0; the second leaves at once.
What was not sealed then comes again from the database at the next start.

Exit status: 0 asked to stop; 2 a trail could not go on (its error says why and what to do); 3 it would have recorded
what a redaction withholds: nothing may start it again before the configuration is corrected.
Example: rowseal run -c /etc/rowseal/rowseal.yaml
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  trail: { type: 'string' },
  'accept-gap': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
} as const;

export const runCommand: Command = {
  name: 'run',
  summary: 'the daemon: capture, seal, acknowledge',
  help: HELP,
  async run(argv, io) {
    const { values } = parseCommandLine('run', argv, { options: OPTIONS });
    if (values.config === undefined) throw new RowsealError('usage', 'run needs -c FILE.');
    const config = loadConfig(values.config, io.env);
    const trails = chosenTrails(config, values.trail, values['accept-gap']);
    return runDaemon(
      { config, file: values.config, acceptGap: values['accept-gap'] ?? null },
      trails,
      values['log-level'],
      io,
    );
  },
};

function chosenTrails(
  config: Config,
  name: string | undefined,
  acceptGap: string | undefined,
): readonly TrailConfig[] {
  const trails = config.trails.filter((trail) => name === undefined || trail.name === name);
  if (trails.length === 0) throw new RowsealError('usage', `The configuration has no trail ${name}.`);
  if (acceptGap !== undefined && trails.length > 1) {
    throw new RowsealError('usage', 'A gap is accepted for one trail.', { hint: 'Name it with --trail.' });
  }
  return trails;
}

async function runDaemon(
  given: Given,
  trails: readonly TrailConfig[],
  level: string,
  io: CommandIo,
): Promise<number> {
  const { config } = given;
  const log = createLog(level, io.stdout);
  const metrics = createMetrics();
  const running = trails.map((trail) => createRunningTrail(given, trail, metrics, log, io));
  const http: Server = await serveDaemonHttp({
    listen: config.metrics.listen,
    registry: metrics.registry,
    trails: new Map(running.map(({ name, health }) => [name, health])),
    staleAfterMs: config.metrics.stale_after,
    refresh: () => {
      for (const trail of running) trail.refresh();
    },
  });
  const { listen } = config.metrics;
  log.info({ trails: running.map(({ name }) => name), healthz: `http://${listen}/healthz` }, 'rowseal runs');
  const outcomes = await Promise.all(running.map((trail) => trail.run(io.signal)));
  http.closeAllConnections();
  http.close();
  // Whoever restarts us goes by the exit status: the one that forbids it counts.
  const unmatched = outcomes.find(isUnmatched);
  const failed = unmatched ?? outcomes.find((error) => error !== null);
  if (failed !== undefined && failed !== null) throw failed;
  return 0;
}

function isUnmatched(error: unknown): boolean {
  return error instanceof RowsealError && error.code === 'redaction_unmatched';
}
