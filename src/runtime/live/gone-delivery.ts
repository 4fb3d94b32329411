/** What is told of deliveries that left a list: as they are now (replayed, cancelled, ended), or no more than their names. */
import { deliveryNumber, runApiVersion, viewDelivery } from './delivery-view.ts';
import type { LiveView } from './live-view.ts';

/** `keys`: `NAMESPACE/dlv-NUMBER`; at most 1,000 of them. */
export async function goneDelivery(view: LiveView, keys: readonly string[]): Promise<readonly object[]> {
  const byNamespace = Map.groupBy(keys, (key) => key.slice(0, key.indexOf('/')));
  const told = await Promise.all(
    [...byNamespace].map(async ([namespace, own]) => {
      const names = own.map((key) => key.slice(namespace.length + 1));
      const deliveries = names.flatMap((name) => deliveryNumber(name) ?? []);
      const filter = { namespaceUid: view.namespaceUid(namespace), deliveries };
      const rows = await view.store.read(filter, { limit: 1_000 });
      const known = new Map(rows.map((row) => [`dlv-${row.delivery}`, viewDelivery(row, namespace, view.table())]));
      return names.map((name) => known.get(name) ?? nameOnly(namespace, name));
    }),
  );
  return told.flat();
}

/** It is not kept any more. */
function nameOnly(namespace: string, name: string): object {
  return { apiVersion: runApiVersion, kind: 'Delivery', metadata: { name, namespace } };
}
