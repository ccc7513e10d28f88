/** What the daemon says of a trail right now. Asks, changes nothing, waits for no one long. */

export interface DaemonWord {
  readonly state: string;
  readonly healthy: boolean;
  readonly complaints: readonly string[];
}

/** What /healthz at `listen` says of the trail; null where no daemon of this trail answers there. */
export async function askDaemon(listen: string, trail: string): Promise<DaemonWord | null> {
  // What is listened on everywhere is asked here.
  const place = listen.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, (any) =>
    any === '[::]' ? '[::1]' : '127.0.0.1',
  );
  try {
    const response = await fetch(`http://${place}/healthz`, { signal: AbortSignal.timeout(2000) });
    const report = (await response.json()) as { trails?: ({ name?: string } & DaemonWord)[] };
    const found = report.trails?.find(({ name }) => name === trail);
    return found === undefined
      ? null
      : { state: String(found.state), healthy: found.healthy === true, complaints: [...found.complaints] };
  } catch {
    return null; // nobody, or somebody else
  }
}
