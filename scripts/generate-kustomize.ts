/** Kustomize's configuration: where in our resources names of generated ConfigMaps, Secrets and ServiceAccounts stand. */
import { stringify, parse } from 'yaml';
import { crdYaml, subscriptionCrdYaml } from '../src/function/crd.ts';
import { receivers } from '../src/receivers/catalogue.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Node } }[];
  };
}

const referenceFields = new Set(['name', 'key', 'optional']);

/** Paths of references below a node, as Kustomize writes them: lists are walked through without a sign. */
function referencesIn(node: Node, path: readonly string[]): readonly (readonly string[])[] {
  const properties = node.properties ?? {};
  const names = Object.keys(properties);
  const isReference = names.includes('name') && names.every((name) => referenceFields.has(name));
  return [
    ...(isReference ? [[...path, 'name']] : []),
    ...names.flatMap((name) => referencesIn(properties[name] ?? {}, [...path, name])),
    ...(node.items === undefined ? [] : referencesIn(node.items, path)),
  ];
}

export function generateKustomize(): ReadonlyMap<string, string> {
  const specs: Record<string, { readonly kind: string; readonly path: string }[]> = { ConfigMap: [], Secret: [] };
  for (const text of [crdYaml(receivers), subscriptionCrdYaml()]) {
    const definition = parse(text) as Definition;
    const { kind } = definition.spec.names;
    const root = definition.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {};
    for (const path of referencesIn(root, ['spec'])) {
      const referred = path.some((step) => step.startsWith('configMap')) ? 'ConfigMap' : 'Secret';
      specs[referred]?.push({ kind, path: path.join('/') });
    }
  }
  const nameReference = [
    ...Object.entries(specs).map(([kind, fieldSpecs]) => ({ kind, version: 'v1', fieldSpecs })),
    {
      kind: 'ServiceAccount',
      version: 'v1',
      fieldSpecs: [{ kind: 'WebhookFunction', path: 'spec/serviceAccountName' }],
    },
  ];
  const head =
    '# Generated from the schema by `npm run generate`; do not edit. In a kustomization: configurations: [kustomizeconfig.yaml]\n';
  return new Map([['charts/kustomize/kustomizeconfig.yaml', head + stringify({ nameReference }, { lineWidth: 0 })]]);
}
