/**
 * Which installation this is, and which group of it, for the stores of its runtimes: the uid of kube-system names the cluster, since it lives as
 * long as that does. Asked for until it is known.
 */
import type { Answer } from '../../link/exchange.ts';
import { defaultGroup } from '../../policy/runtime-groups.ts';
import { resourcePath, wholeObject } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject } from '../kube-object.ts';

const timeoutMs = 10_000;

export function createInstallationName(options: {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly installation: string;
}): (group: string) => Promise<Answer> {
  const { client, namespace, installation } = options;
  let uid: string | undefined;
  const name = async (group: string): Promise<Answer> => {
    if (uid === undefined) {
      const path = resourcePath({ apiVersion: 'v1', resource: 'namespaces', name: 'kube-system' });
      // A store that is once said to be somebody else's is refused from then on.
      const answer = wholeObject(await client.request<KubeObject>({ path, timeoutMs }));
      if (!answer.ok) return { ok: false, code: 'Failed', message: `the cluster is not known: ${answer.message}` };
      ({ uid } = answer.body.metadata);
    }
    // Two groups that are given one database by mistake find that out.
    const part = group === defaultGroup ? '' : `/${group}`;
    return { ok: true, body: { owner: `${uid}/${namespace}/${installation}${part}` } };
  };
  // While the API server answers: runtimes may come when it does not.
  void name(defaultGroup);
  return name;
}
