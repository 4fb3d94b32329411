/** What a proved user may do: the API server is asked again, and its answer kept for seconds. Without an answer nobody may. */
import { createHash } from 'node:crypto';
import { errorMessage } from '../../failures/error-message.ts';
import { createFairTurns, type TurnLimits } from '../fair-turns.ts';
import type { AccessQuestion } from '../link/kube-reviews.ts';
import { refusal, type Refusal } from './api-status.ts';
import type { ProvedUser } from './front-proxy.ts';
import { apiGroup } from './read-path.ts';

/** One thing somebody wants to do in this API. */
export interface Wanted {
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Undefined: allowed; else why not. */
export type Authorize = (user: ProvedUser, wanted: Wanted) => Promise<Refusal | undefined>;

/** A right that was taken away ends then. */
const keptMs = 5_000;
const mostKept = 10_000;
/** Of all users, because the API server is everybody's; of each, because so is this. */
const usualTurns: TurnLimits = { most: 128, mostOfOne: 16, mostWaiting: 4_096, mostWaitingOfOne: 128 };

export function createAuthorizer(options: {
  reviewAccess(question: AccessQuestion): Promise<{ readonly allowed: boolean; readonly reason: string }>;
  /** Monotonic milliseconds. */
  now(): number;
  onTrouble(message: string): void;
  readonly turns?: TurnLimits;
}): Authorize {
  const { reviewAccess, now, onTrouble } = options;
  const turns = createFairTurns(options.turns ?? usualTurns);
  const kept = new Map<string, { readonly allowed: boolean; readonly until: number }>();
  /** Undefined: there was no turn for it. */
  const asking = new Map<string, Promise<boolean | undefined>>();

  async function ask(key: string, user: ProvedUser, wanted: Wanted): Promise<boolean | undefined> {
    let end: (() => void) | undefined;
    try {
      end = await turns.take(askerOf(user));
      if (end === undefined) return undefined;
      const { resource, subresource, namespace = '', name, verb } = wanted;
      const { allowed } = await reviewAccess({
        user: user.name,
        groups: user.groups,
        extra: user.extra,
        verb,
        group: apiGroup,
        resource,
        namespace,
        ...(subresource === undefined ? {} : { subresource }),
        ...(name === undefined ? {} : { name }),
      });
      // The oldest goes: each is as old as its place in the map says.
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value as string);
      kept.delete(key);
      kept.set(key, { allowed, until: now() + keptMs });
      return allowed;
    } finally {
      end?.();
      asking.delete(key);
    }
  }

  return async (user, wanted) => {
    const { verb, resource, subresource, namespace, name } = wanted;
    const whole = JSON.stringify([user, verb, resource, subresource, namespace, name]);
    const key = createHash('sha256').update(whole).digest('base64');
    const known = kept.get(key);
    if (known !== undefined && known.until > now()) return known.allowed ? undefined : forbidden(user, wanted);
    let turn = asking.get(key);
    if (turn === undefined) {
      turn = ask(key, user, wanted);
      asking.set(key, turn);
    }
    try {
      const allowed = await turn;
      if (allowed === undefined) {
        return refusal(429, 'too many of your requests are under review: try again', { retryAfterSeconds: 1 });
      }
      return allowed ? undefined : forbidden(user, wanted);
    } catch (error) {
      onTrouble(errorMessage(error));
      return refusal(503, 'the API server did not say what you may do: try again', { retryAfterSeconds: 1 });
    }
  };
}

/** Who may make a ServiceAccount may make a thousand: those of one namespace are one asker. */
function askerOf({ name }: ProvedUser): string {
  return /^system:serviceaccount:[^:]+:/.exec(name)?.[0] ?? name;
}

/** In the words of the API server, so that people know where to look. */
function forbidden(user: ProvedUser, { verb, resource, subresource, namespace, name }: Wanted): Refusal {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const full = `${resource}.${apiGroup}${name === undefined ? '' : ` "${name}"`}`;
  return refusal(
    403,
    `${full} is forbidden: User "${user.name}" cannot ${verb} resource "${what}" in API group "${apiGroup}" ${where}`,
    { details: { group: apiGroup, kind: resource, ...(name === undefined ? {} : { name }) } },
  );
}
