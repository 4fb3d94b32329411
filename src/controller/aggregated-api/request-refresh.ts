/** Asks all replicas of the controller to read again what a function refers to: through its status, which all of them watch. */
import type { Standing } from '../judge-standing.ts';
import { resourcePath } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import { refusal, type Refusal } from './api-status.ts';

/** Undefined: written. `now`: milliseconds since the epoch. */
export async function requestRefresh(
  client: KubeClient,
  { object }: Standing,
  now: number,
): Promise<Refusal | undefined> {
  const { name, namespace } = object.metadata;
  const answer = await client.request({
    method: 'PATCH',
    path: resourcePath({
      apiVersion: 'moonhook.dev/v1alpha1',
      resource: 'webhookfunctions',
      namespace,
      name,
      subresource: 'status',
    }),
    contentType: 'application/merge-patch+json',
    body: { status: { refreshRequested: new Date(now).toISOString() } },
  });
  if (answer.ok) return undefined;
  return refusal(answer.status >= 400 ? answer.status : 503, `the status was not written: ${answer.message}`);
}
