/** Permissions of receivers to send to them, as one worker knows them: asked for before the first delivery, and every hour. */
import type { OutgoingAnswer } from '../delivery/judge-answer.ts';
import { judgePermission, permissionHeaders, slowerRate, type Permission, type Rate } from '../delivery/permission.ts';
import { sendOutgoing } from '../delivery/send-outgoing.ts';
import { secretTextsOf, type LiveSubscription } from './live-subscriptions.ts';

interface Known {
  /** The one question that is under way, or its answer. */
  readonly permission: Promise<Permission>;
  /** Wall clock; until the answer is there nothing is due again. */
  until: number;
  rate: Rate | undefined;
}

export interface Permissions {
  /** Undefined: granted. Otherwise what the attempt ends with. */
  ask(live: LiveSubscription, anew: boolean): Promise<OutgoingAnswer | undefined>;
  /** The subscription's own rate, or the slower one that its receiver allows. */
  rateOf(live: LiveSubscription): Rate | undefined;
}

const grantedMs = 3_600_000;

/** `now`: wall clock, milliseconds. */
export function createPermissions(now: () => number): Permissions {
  // A changed subscription is another object: what its receiver said before does not count.
  const known = new WeakMap<LiveSubscription, Known>();
  return {
    async ask(live, anew) {
      const { handshake } = live.entry;
      if (handshake === undefined) return undefined;
      let current = known.get(live);
      if (current === undefined || anew || current.until <= now()) {
        current = {
          permission: question(live, handshake.origin, now()),
          until: Number.POSITIVE_INFINITY,
          rate: current?.rate,
        };
        known.set(live, current);
      }
      const permission = await current.permission;
      if (!permission.granted) {
        current.until = 0;
        return permission.answer;
      }
      if (current.until === Number.POSITIVE_INFINITY) current.until = now() + grantedMs;
      current.rate = permission.rate;
      return undefined;
    },
    rateOf: (live) => slowerRate(live.entry.rate, known.get(live)?.rate),
  };
}

async function question(live: LiveSubscription, origin: string, at: number): Promise<Permission> {
  const { entry, context } = live;
  const { url, timeoutMs, rate, headers } = entry;
  const answer = await sendOutgoing(
    context.outbound,
    {
      method: 'OPTIONS',
      url,
      headers: headers.map(({ name, value }) => [name, value] as const),
      hostHeaders: permissionHeaders(origin, rate),
      timeoutMs,
      // Several deliveries wait for it: the end of one of them does not end it.
      signal: new AbortController().signal,
      secretTexts: secretTextsOf(live),
    },
    at,
  );
  return judgePermission(answer, origin);
}
