/** Judges callers of the call listener for the runtimes: a token of the right audience, and the right to do this one thing. */
import type { Answer } from '../../link/exchange.ts';
import { createFairTurns, type TurnLimits } from '../fair-turns.ts';
import type { AccessQuestion, KubeReviews } from './kube-reviews.ts';

/** What a runtime asks. */
interface Question {
  readonly token: string;
  readonly verb: 'call' | 'publish';
  readonly namespace: string;
  readonly name?: string;
}

type Verdict =
  | { readonly kind: 'allowed'; readonly user: string }
  | { readonly kind: 'unauthorized' | 'forbidden'; readonly reason: string };

/** Of all runtimes together, because the API server is everybody's; of one, because the callers of the others wait, too. */
const usualTurns: TurnLimits = { most: 128, mostOfOne: 64, mostWaiting: 512, mostWaitingOfOne: 128 };
const longestToken = 16 * 1024;
const group = 'run.moonhook.dev';

/** Answers questions of the topic `review`. */
export function createCallReviews(options: {
  readonly reviews: KubeReviews;
  /** Audience of tokens for calls. */
  readonly audience: string;
  /** Why the API server could not be asked: for the log. */
  onTrouble(message: string): void;
  readonly turns?: TurnLimits;
}): (body: unknown, podUid: string) => Promise<Answer> {
  const { reviews, audience } = options;
  const turns = createFairTurns(options.turns ?? usualTurns);

  async function judge(question: Question): Promise<Verdict> {
    const status = await reviews.reviewToken(question.token, [audience]);
    const { user } = status;
    if (status.authenticated !== true || user?.username === undefined) {
      return { kind: 'unauthorized', reason: 'the API server does not know this token' };
    }
    if (status.audiences?.includes(audience) !== true) {
      return { kind: 'unauthorized', reason: `the token was not made for the audience ${audience}` };
    }
    const wanted = accessOf(question);
    const access = await reviews.reviewAccess({
      user: user.username,
      groups: user.groups ?? [],
      extra: user.extra ?? {},
      ...wanted,
    });
    if (access.allowed) return { kind: 'allowed', user: user.username };
    return { kind: 'forbidden', reason: `${user.username} may not ${describe(wanted)}` };
  }

  return async (body, podUid) => {
    const question = readQuestion(body);
    if (question === undefined) return { ok: false, code: 'Refused', message: 'the question is malformed' };
    const end = await turns.take(podUid);
    if (end === undefined) return { ok: false, code: 'Busy', message: 'too many tokens are under review' };
    try {
      return { ok: true, body: await judge(question) };
    } catch (error) {
      options.onTrouble((error as Error).message);
      return { ok: false, code: 'Failed', message: 'the API server could not be asked' };
    } finally {
      end();
    }
  };
}

type Access = Omit<AccessQuestion, 'user' | 'groups' | 'extra'>;

/** The rights of the aggregated API: the same roles open both doors. */
function accessOf({ verb, namespace, name }: Question): Access {
  if (verb === 'publish') return { verb: 'create', group, resource: 'events', namespace };
  return {
    verb: 'create',
    group,
    resource: 'functions',
    subresource: 'invoke',
    namespace,
    ...(name === undefined ? {} : { name }),
  };
}

function describe({ verb, resource, subresource, namespace, name }: Access): string {
  const what = `${resource}${subresource === undefined ? '' : `/${subresource}`}.${group}`;
  return `${verb} ${what}${name === undefined ? '' : ` "${name}"`} in namespace ${namespace}`;
}

const namePattern = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

function readQuestion(body: unknown): Question | undefined {
  const { token, verb, namespace, name } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof token !== 'string' || token === '' || token.length > longestToken) return undefined;
  if (verb !== 'call' && verb !== 'publish') return undefined;
  if (typeof namespace !== 'string' || !namePattern.test(namespace)) return undefined;
  if (verb === 'publish') return { token, verb, namespace };
  if (typeof name !== 'string' || !namePattern.test(name)) return undefined;
  return { token, verb, namespace, name };
}
