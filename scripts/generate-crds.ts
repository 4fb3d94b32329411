/** The CRDs from the schema of the resources and of all receivers. */
import { crdYaml, subscriptionCrdYaml } from '../src/function/crd.ts';
import { receivers } from '../src/receivers/catalogue.ts';

export function generateCrds(): ReadonlyMap<string, string> {
  return new Map([
    ['crds/moonhook.dev_webhookfunctions.yaml', crdYaml(receivers)],
    ['crds/moonhook.dev_webhooksubscriptions.yaml', subscriptionCrdYaml()],
  ]);
}
