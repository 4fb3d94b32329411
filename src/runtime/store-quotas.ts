/** The policy's quotas as the store needs them: complete, and by the UIDs of the namespaces that the table knows. */
import { quotaOf, type InstallationPolicy } from '../policy/installation-policy.ts';
import type { RouteTable } from '../routing/types.ts';
import { defaultStoreQuota, type StoreQuota, type StoreQuotas } from '../store/quotas.ts';

export function storeQuotas(policy: InstallationPolicy, table: RouteTable): StoreQuotas {
  const { namespaces, ...all } = policy.quotas;
  const byNamespace: Record<string, StoreQuota> = {};
  if (Object.keys(namespaces).length > 0) {
    for (const { namespace, namespaceUid } of [...table.functions.values(), ...(table.subscriptions?.values() ?? [])]) {
      if (Object.hasOwn(namespaces, namespace)) byNamespace[namespaceUid] = complete(quotaOf(policy, namespace));
    }
  }
  return { all: complete(all), byNamespace };
}

/** What a file does not say is not without limit: a store that one namespace fills serves nobody. */
function complete({ waitingRows, waitingBytes, keyValueBytes }: Partial<StoreQuota>): StoreQuota {
  return {
    waitingRows: waitingRows ?? defaultStoreQuota.waitingRows,
    waitingBytes: waitingBytes ?? defaultStoreQuota.waitingBytes,
    keyValueBytes: keyValueBytes ?? defaultStoreQuota.keyValueBytes,
  };
}
