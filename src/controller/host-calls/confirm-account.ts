/** Whether a ServiceAccount is there and consents right now: impersonation works for one that was deleted, too. */
import { functionsLabel } from '../../routing/read-references.ts';
import { resourcePath } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject } from '../kube-object.ts';

/** Undefined: it may be used; else why not. */
export type ConfirmAccount = (namespace: string, name: string) => Promise<string | undefined>;

const keptMs = 5_000;
const mostKept = 10_000;

export function createAccountCheck(client: Pick<KubeClient, 'request'>, now: () => number): ConfirmAccount {
  const known = new Map<string, { readonly verdict: Promise<string | undefined>; readonly at: number }>();
  return (namespace, name) => {
    const key = `${namespace}/${name}`;
    const last = known.get(key);
    if (last !== undefined && now() - last.at < keptMs) return last.verdict;
    known.delete(key);
    if (known.size >= mostKept) known.delete(known.keys().next().value as string);
    const verdict = look(client, namespace, name);
    known.set(key, { verdict, at: now() });
    return verdict;
  };
}

async function look(client: Pick<KubeClient, 'request'>, namespace: string, name: string): Promise<string | undefined> {
  const path = resourcePath({ apiVersion: 'v1', resource: 'serviceaccounts', namespace, name });
  const answer = await client.request<KubeObject>({ path, timeoutMs: 10_000 });
  if (answer.ok) {
    if (answer.body.metadata.labels?.[functionsLabel] === 'true') return undefined;
    return `the ServiceAccount ${name} does not consent: kubectl label serviceaccount ${name} -n ${namespace} ${functionsLabel}=true`;
  }
  if (answer.status === 404) return `the ServiceAccount ${name} does not exist in namespace ${namespace}`;
  return `the ServiceAccount ${name} could not be read: ${answer.message}`;
}
