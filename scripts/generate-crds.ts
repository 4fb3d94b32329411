/** The CRDs from the schema of the resources and of all receivers, and their copy in the chart, which templates them. */
import { crdYaml, subscriptionCrdYaml } from '../src/function/crd.ts';
import { receivers } from '../src/receivers/catalogue.ts';

export function generateCrds(): ReadonlyMap<string, string> {
  const files = [
    ['moonhook.dev_webhookfunctions.yaml', crdYaml(receivers)],
    ['moonhook.dev_webhooksubscriptions.yaml', subscriptionCrdYaml()],
  ] as const;
  const folders = ['crds', 'charts/moonhook/files/crds'];
  return new Map(folders.flatMap((folder) => files.map(([name, text]) => [`${folder}/${name}`, text] as const)));
}
