/** Keeps a link only as long as its token is good: reviewed again now and then, asked for anew before it ends. */
import type { LinkClock } from '../../link/link-peer.ts';
import type { Admission } from '../../link/serve-peers.ts';
import type { RuntimeProof } from './admit-runtime.ts';

export interface Proving {
  /** The runtime sent a newer token. */
  renew(token: string): Promise<void>;
  stop(): void;
}

/** Asked for this long before the end, and again until it comes. */
const askBeforeMs = 120_000;
/** Reviews of one link under way: a runtime that sends tokens without end costs the API server no more than this. */
const leastBetweenMs = 1_000;

export function keepProved(options: {
  readonly proof: RuntimeProof;
  readonly token: string;
  prove(token: string): Promise<Admission<RuntimeProof>>;
  readonly clock: LinkClock & { wall(): number };
  readonly reviewEveryMs: number;
  askForNew(): void;
  /** The link must be closed. */
  onUnproved(reason: string): void;
}): Proving {
  const { proof, clock } = options;
  let { token } = options;
  let { expiresAt } = proof;
  let reviewing = false;
  let renewedAt = -Infinity;
  let stopped = false;

  /** Only an answer closes a link: an API server that is away does not. */
  async function review(candidate: string): Promise<void> {
    if (reviewing || stopped) return;
    reviewing = true;
    const admission = await options.prove(candidate).finally(() => (reviewing = false));
    if (stopped) return;
    if (!admission.ok) {
      if (admission.status !== 503) options.onUnproved(admission.reason);
    } else if (admission.who.podUid !== proof.podUid || admission.who.group !== proof.group) {
      options.onUnproved('the new token is of another pod');
    } else {
      token = candidate;
      ({ expiresAt } = admission.who);
    }
  }

  const look = (): void => {
    const left = expiresAt - clock.wall();
    if (left <= 0) return options.onUnproved('the token has ended and no new one came');
    if (left < askBeforeMs) options.askForNew();
    return void review(token);
  };
  const stopLooking = clock.every(options.reviewEveryMs, look);
  // The end is not waited for by looking: it may come between two looks.
  let stopEnd = (): void => undefined;
  const watchEnd = (): void => {
    const left = expiresAt - clock.wall();
    if (left <= 0) return options.onUnproved('the token has ended and no new one came');
    stopEnd = clock.after(Math.min(left, 3_600_000), watchEnd);
    return undefined;
  };
  watchEnd();

  return {
    async renew(candidate) {
      const now = clock.now();
      if (now - renewedAt < leastBetweenMs) return;
      renewedAt = now;
      await review(candidate);
    },
    stop() {
      stopped = true;
      stopLooking();
      stopEnd();
    },
  };
}
