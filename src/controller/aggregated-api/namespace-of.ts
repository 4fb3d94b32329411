/** The uid of a namespace as it is now: a namespace made again under the same name sees nothing of the old one. */
import type { AskedNamespace } from '../../link/live-questions.ts';
import { resourcePath, wholeObject } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject } from '../kube-object.ts';
import { refusal, type Refusal } from './api-status.ts';

/** Asked anew each time: an answer that is kept would outlive its namespace. */
export async function askNamespace(client: KubeClient, name: string): Promise<AskedNamespace | Refusal> {
  const path = resourcePath({ apiVersion: 'v1', resource: 'namespaces', name });
  const answer = wholeObject(await client.request<KubeObject>({ path, timeoutMs: 5_000 }));
  if (answer.ok) return { name, uid: answer.body.metadata.uid };
  if (answer.status === 404)
    return refusal(404, `namespaces "${name}" not found`, { details: { name, kind: 'namespaces' } });
  return refusal(503, `the API server did not say which namespace this is: ${answer.message}`);
}
