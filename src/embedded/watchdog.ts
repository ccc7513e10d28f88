/**
 * Sees that a throw-away server does not outlive us, not even our `kill -9`: a shell in a session of its own holds
 * the other end of a pipe, on which we tell it the server's process id; when the pipe breaks it ends the server and
 * removes its temporary folder. Must never signal a process that we have seen end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { RunAs } from './unprivileged.ts';

export interface Watchdog {
  /** Watches over this server, from right after its start until it ends. */
  over(server: ChildProcess): void;
  /** The server is gone, and the folder somebody else's affair. */
  release(): void;
  /** Does at once what it would do after our end. */
  end(): void;
}

/** `signal` as kill(1) names it; `remove` is a folder to remove in the end, or null. */
export function startWatchdog(runAs: RunAs, signal: 'QUIT' | 'KILL', remove: string | null): Watchdog {
  const script = `server=0
    while read -r pid; do server=$pid; done
    [ "$server" = 0 ] || kill -${signal} "$server" 2>/dev/null
    tries=0 # on a busy machine it takes a while to end, and its folder fills up again until then
    while [ "$server" != 0 ] && kill -0 "$server" 2>/dev/null && [ $tries -lt 60 ]; do
      sleep 1; tries=$((tries + 1)); done
    tries=0
    until [ -z "$1" ] || rm -rf "$1" 2>/dev/null || [ $tries -ge 20 ]; do
      sleep 1; tries=$((tries + 1)); done`;
  const child = spawn('/bin/sh', ['-c', script, 'rowseal-watchdog', remove ?? ''], {
    ...runAs,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as Socket).unref();
  let watched: ChildProcess | null = null;
  return {
    over(server) {
      watched = server;
      child.stdin.write(`${server.pid ?? 0}\n`);
      server.once('exit', () => {
        if (watched === server) child.stdin.write('0\n');
      });
    },
    release: () => void child.kill('SIGKILL'), // a pid may be used again
    end: () => void child.stdin.end(),
  };
}
