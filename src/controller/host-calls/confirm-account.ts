/** Whether a ServiceAccount is there and consents right now: impersonation works for one that was deleted, too. */
import { functionsLabel } from '../../routing/read-references.ts';
import { resourcePath, wholeObject } from '../kube-answer.ts';
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
    const turn = look(client, namespace, name);
    const verdict = turn.then(({ problem }) => problem);
    known.set(key, { verdict, at: now() });
    // That nothing could be learned is not kept: the API server may be back.
    void turn.then(({ certain }) => {
      if (!certain && known.get(key)?.verdict === verdict) known.delete(key);
    });
    return verdict;
  };
}

interface Look {
  readonly certain: boolean;
  readonly problem: string | undefined;
}

async function look(client: Pick<KubeClient, 'request'>, namespace: string, name: string): Promise<Look> {
  const path = resourcePath({ apiVersion: 'v1', resource: 'serviceaccounts', namespace, name });
  const answer = wholeObject(await client.request<KubeObject>({ path, timeoutMs: 10_000 }));
  if (answer.ok) {
    if (answer.body.metadata.labels?.[functionsLabel] === 'true') return { certain: true, problem: undefined };
    const command = `kubectl label serviceaccount ${name} -n ${namespace} ${functionsLabel}=true`;
    return { certain: true, problem: `the ServiceAccount ${name} does not consent: ${command}` };
  }
  if (answer.status === 404) {
    return { certain: true, problem: `the ServiceAccount ${name} does not exist in namespace ${namespace}` };
  }
  return { certain: false, problem: `the ServiceAccount ${name} could not be read: ${answer.message}` };
}
