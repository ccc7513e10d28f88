/**
 * When the server of a binlog link was last heard, and the timer that asks whether it is silent for too long. What counts
 * as too long is not decided here (link.ts), and no silence counts in which nobody could have heard anything.
 */
export interface LinkHearing {
  heardAt(): number;
  heard(): void;
  /** Reading goes on after a stop: silence counts from now on. */
  restart(): void;
  /** The timer stops. Idempotent. */
  end(): void;
}

export interface LinkHearingParts {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly everyMs: number;
  /** `lookedAt`: when this was last asked. */
  readonly judge: (now: number, heardAt: number, lookedAt: number) => 'there' | 'gone' | 'unknown';
  readonly onGone: (silentMs: number) => void;
}

export function createLinkHearing({ clock, everyMs, judge, onGone }: LinkHearingParts): LinkHearing {
  let heardAt = clock();
  let lookedAt = heardAt;

  const look = (): void => {
    const now = clock();
    const found = judge(now, heardAt, lookedAt);
    lookedAt = now;
    if (found === 'unknown') heardAt = now;
    else if (found === 'gone') onGone(now - heardAt);
  };
  const timer = setInterval(look, everyMs);

  return {
    heardAt: () => heardAt,
    heard() {
      heardAt = clock();
    },
    restart() {
      heardAt = clock();
      lookedAt = heardAt;
    },
    end: () => clearInterval(timer),
  };
}
