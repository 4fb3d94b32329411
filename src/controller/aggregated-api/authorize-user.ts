/** What a proved user may do: the API server is asked again, and its answer kept for seconds. Without an answer nobody may. */
import { createHash } from 'node:crypto';
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
const mostInFlight = 128;

export function createAuthorizer(options: {
  reviewAccess(question: AccessQuestion): Promise<{ readonly allowed: boolean; readonly reason: string }>;
  /** Monotonic milliseconds. */
  now(): number;
  onTrouble(message: string): void;
}): Authorize {
  const { reviewAccess, now, onTrouble } = options;
  const kept = new Map<string, { readonly allowed: boolean; readonly until: number }>();
  const asking = new Map<string, Promise<boolean>>();

  async function ask(key: string, user: ProvedUser, wanted: Wanted): Promise<boolean> {
    try {
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
      if (asking.size >= mostInFlight)
        return refusal(429, 'too many rights are under review', { retryAfterSeconds: 1 });
      turn = ask(key, user, wanted);
      asking.set(key, turn);
    }
    try {
      return (await turn) ? undefined : forbidden(user, wanted);
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
      return refusal(503, 'the API server did not say what you may do: try again', { retryAfterSeconds: 1 });
    }
  };
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
