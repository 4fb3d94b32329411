/** How often and how many at once: per function and per runtime, because the API server is everybody's. */
import { RateBucket } from '../../link/rate-bucket.ts';

export interface CallLimits {
  readonly perSecond: number;
  readonly burst: number;
  readonly inFlight: number;
}

export const functionLimits: CallLimits = { perSecond: 50, burst: 200, inFlight: 32 };
export const runtimeLimits: CallLimits = { perSecond: 500, burst: 2_000, inFlight: 128 };

export type CallPlace = { readonly ok: true; leave(): void } | { readonly ok: false; readonly message: string };

export interface CallGate {
  /** Takes a place that must be left. */
  enter(functionUid: string, podUid: string): CallPlace;
}

interface Used {
  readonly bucket: RateBucket;
  inFlight: number;
  seenAt: number;
}

/** After so long a bucket is full again. */
const idleMs = 60_000;
const lookEvery = 1_000;

export function createCallGate(
  now: () => number,
  limits: { readonly function: CallLimits; readonly runtime: CallLimits } = {
    function: functionLimits,
    runtime: runtimeLimits,
  },
): CallGate {
  const used = new Map<string, Used>();
  let entered = 0;

  function usedBy(key: string, { perSecond, burst }: CallLimits): Used {
    let one = used.get(key);
    if (one === undefined)
      used.set(key, (one = { bucket: new RateBucket(perSecond, burst, now), inFlight: 0, seenAt: 0 }));
    one.seenAt = now();
    return one;
  }

  function forgetIdle(): void {
    for (const [key, one] of used) if (one.inFlight === 0 && now() - one.seenAt > idleMs) used.delete(key);
  }

  return {
    enter(functionUid, podUid) {
      entered += 1;
      if (entered % lookEvery === 0) forgetIdle();
      const runtime = usedBy(`r ${podUid}`, limits.runtime);
      const own = usedBy(`f ${functionUid}`, limits.function);
      const refused = (who: string, what: string): CallPlace => ({
        ok: false,
        message: `${who} has ${what}: try again`,
      });
      if (own.inFlight >= limits.function.inFlight)
        return refused('the function', 'too many Kubernetes calls under way');
      if (runtime.inFlight >= limits.runtime.inFlight) {
        return refused('the runtime', 'too many Kubernetes calls under way');
      }
      if (!own.bucket.take(1))
        return refused('the function', `made more than ${limits.function.perSecond} Kubernetes calls a second`);
      if (!runtime.bucket.take(1))
        return refused('the runtime', `made more than ${limits.runtime.perSecond} Kubernetes calls a second`);
      own.inFlight += 1;
      runtime.inFlight += 1;
      return {
        ok: true,
        leave() {
          own.inFlight -= 1;
          runtime.inFlight -= 1;
        },
      };
    },
  };
}
