/** An event for a function of the fault tests, as it is stored. */
import type { AppendItem } from '../../src/store/store.ts';

export function workItem(id: string, name: string): AppendItem {
  return {
    event: {
      id,
      namespaceUid: 'ns-default',
      type: 'com.work',
      source: '/',
      attributes: '{}',
      body: Buffer.from(JSON.stringify({ id })),
    },
    deliveries: [{ destination: `ns-default/${name}/trigger:on` }],
  };
}
