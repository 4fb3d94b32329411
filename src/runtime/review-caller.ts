/** Who may use the call listener of a cluster: bearers of tokens made for it, judged by the controller, remembered briefly. */
import { createHash } from 'node:crypto';

/** What the controller is asked. */
export interface ReviewQuestion {
  readonly token: string;
  /** `call` a function, `publish` on the bus of a namespace. */
  readonly verb: 'call' | 'publish';
  readonly namespace: string;
  /** Of the function. */
  readonly name?: string;
}

export type ReviewVerdict =
  /** `user`: as the API server names it. */
  | { readonly kind: 'allowed'; readonly user: string }
  | { readonly kind: 'unauthorized' | 'forbidden'; readonly reason: string }
  /** Nobody could judge: the controller or the API server is away, or too much is asked. */
  | { readonly kind: 'away'; readonly reason: string };

export interface CallerReviews {
  /** Without a promise where the answer is known. */
  review(question: ReviewQuestion): ReviewVerdict | Promise<ReviewVerdict>;
}

/** Verdicts, also bad ones, hold for so long (security: a right that was taken away ends then). */
const keptMs = 10_000;
const mostKept = 10_000;
/** Of one worker. */
const mostInFlight = 64;
const longestToken = 16 * 1024;

interface Kept {
  readonly verdict: ReviewVerdict;
  readonly until: number;
}

export function createCallerReviews(options: {
  /** Audience that tokens must have. */
  readonly audience: string;
  ask(question: ReviewQuestion): Promise<ReviewVerdict>;
  /** Monotonic, and the wall. */
  readonly clock: { monotonic(): number; wall(): number };
}): CallerReviews {
  const { clock } = options;
  const kept = new Map<string, Kept>();
  const asking = new Map<string, Promise<ReviewVerdict>>();

  async function ask(key: string, question: ReviewQuestion): Promise<ReviewVerdict> {
    try {
      const verdict = await options.ask(question);
      if (verdict.kind === 'away') return verdict;
      // The oldest goes: each is as old as its place in the map says.
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value as string);
      kept.set(key, { verdict, until: clock.monotonic() + keptMs });
      return verdict;
    } finally {
      asking.delete(key);
    }
  }

  return {
    review(question) {
      const { token, verb, namespace, name = '' } = question;
      const key = createHash('sha256').update(`${verb}\0${namespace}\0${name}\0${token}`).digest('base64');
      const known = kept.get(key);
      if (known !== undefined && known.until > clock.monotonic()) return known.verdict;
      if (known !== undefined) kept.delete(key);
      const refusal = judgeClaims(token, options.audience, clock.wall());
      if (refusal !== undefined) return { kind: 'unauthorized', reason: refusal };
      const under = asking.get(key);
      if (under !== undefined) return under;
      if (asking.size >= mostInFlight) return { kind: 'away', reason: 'too many tokens are under review' };
      const turn = ask(key, question);
      asking.set(key, turn);
      return turn;
    },
  };
}

/** Why a token is not even worth a review; it proves nothing yet. The token itself never appears. */
export function judgeClaims(token: string, audience: string, now: number): string | undefined {
  if (token.length > longestToken) return 'the token is too long';
  const claims = readClaims(token);
  if (claims === undefined) return 'the token is no JWT: send one made for this installation';
  const { aud, exp } = claims;
  const audiences = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud : [];
  if (!audiences.includes(audience)) {
    return `the token was made for somebody else: make one with \`kubectl create token NAME --audience ${audience}\``;
  }
  if (typeof exp === 'number' && exp * 1000 <= now) return 'the token has ended';
  return undefined;
}

/** RFC 7519 §3: three parts, the second is the claims. */
function readClaims(token: string): { readonly aud?: unknown; readonly exp?: unknown } | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
