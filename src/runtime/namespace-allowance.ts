/** What of a namespace's quotas one worker thread keeps: bytes are of a pod and spread over its threads, shares hold in each. */
import type { NamespaceAllowance } from '../lua/namespace-books.ts';
import { quotaOf, type InstallationPolicy } from '../policy/installation-policy.ts';

export function namespaceAllowance(policy: InstallationPolicy, namespace: string, workers: number): NamespaceAllowance {
  const { parkedBytes, hostBytes, cpuShare } = quotaOf(policy, namespace);
  return {
    ...(parkedBytes === undefined ? {} : { parkedBytes: parkedBytes / workers }),
    ...(hostBytes === undefined ? {} : { hostBytes: hostBytes / workers }),
    ...(cpuShare === undefined ? {} : { cpuShare }),
  };
}
