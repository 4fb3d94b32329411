/** Asks the API server who the bearer of a token is, and what a user may do. */
import type { KubeClient } from '../kube-client.ts';
import type { TokenReviewStatus } from './admit-runtime.ts';

/** `spec` of a SubjectAccessReview (authorization.k8s.io/v1), the parts that are used. */
export interface AccessQuestion {
  readonly user: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name?: string;
}

export interface KubeReviews {
  /** Rejects where the API server gives no answer. */
  reviewToken(token: string, audiences: readonly string[]): Promise<TokenReviewStatus>;
  reviewAccess(question: AccessQuestion): Promise<{ readonly allowed: boolean; readonly reason: string }>;
}

const timeoutMs = 5_000;

export function createKubeReviews(client: KubeClient): KubeReviews {
  return {
    async reviewToken(token, audiences) {
      const answer = await client.request<{ readonly status?: TokenReviewStatus }>({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
        timeoutMs,
      });
      if (!answer.ok) throw new Error(`TokenReview: ${answer.message}`);
      return answer.body.status ?? {};
    },
    async reviewAccess({ user, groups, extra, ...attributes }) {
      const answer = await client.request<{
        readonly status?: { readonly allowed?: boolean; readonly reason?: string };
      }>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user, groups, extra, resourceAttributes: attributes },
        },
        timeoutMs,
      });
      if (!answer.ok) throw new Error(`SubjectAccessReview: ${answer.message}`);
      return { allowed: answer.body.status?.allowed === true, reason: answer.body.status?.reason ?? '' };
    },
  };
}
