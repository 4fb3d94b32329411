/** Reference pages of the resources and of the policy: their fields from the schemas, condition reasons from their catalogue. */
import { conditionReasons } from '../src/function/reasons.ts';
import { functionSchema } from '../src/function/schema.ts';
import { subscriptionSchema } from '../src/function/schema-subscription.ts';
import type { SchemaNode } from '../src/function/schema-node.ts';
import { policySchema } from '../src/policy/policy-schema.ts';
import { receivers } from '../src/receivers/catalogue.ts';

const generatedFrom = (source: string): string => `Generated from \`${source}\` by \`npm run generate\`; do not edit.`;

const fieldsIntro = `# WebhookFunction

${generatedFrom('src/function/schema.ts')}

Every field of \`WebhookFunction\` (\`moonhook.dev/v1alpha1\`, short name \`whf\`), as \`kubectl explain whf\` shows them. Durations are a whole
number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes are Kubernetes quantities such as \`16Mi\`. The resource has no defaults in its schema:
what is left out is decided by the installation. Fields of receivers are on the page [receivers](receivers.md).
`;

const subscriptionIntro = `# WebhookSubscription

${generatedFrom('src/function/schema-subscription.ts')}

Every field of \`WebhookSubscription\` (\`moonhook.dev/v1alpha1\`, short name \`whs\`), as \`kubectl explain whs\` shows them. A subscription sends
events of its own namespace; each attempt is signed per [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks) with the same id
and a new timestamp.
`;

const policyIntro = `# The policy of an installation

${generatedFrom('src/policy/policy-schema.ts')}

What whoever runs an installation allows its namespaces: \`policy\` of the chart's values, or the file that \`--policy\` of \`moonhook dev\`
and \`moonhook check\` names. Every member may be left out; an empty file is a mistake (it may be half written), \`{}\` is all defaults.
In a cluster a change is in force without a restart, within about a minute.
Durations are a whole number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes are Kubernetes quantities such as \`16Mi\`. \`NAMESPACE\` stands for the
name of one. What the quotas and the retention of the store mean in detail: [the store](store.md); groups: [runtimes of their
own](../guide/runtime-groups.md).
`;

const reasonsIntro = `# Conditions

${generatedFrom('src/function/reasons.ts')}

They stand in the status of a WebhookFunction and of a WebhookSubscription. \`Accepted\`: valid, allowed, and a runtime has checked the code. \`ResolvedRefs\`: what it refers to is there and may be used.
\`Programmed\`: the runtimes have it. \`Ready\`: the sum of the three, with the reason of the one that decides. \`Healthy\` (of a
subscription): how its receiver is doing. \`Stalled\` is there only while waiting changes nothing, \`Stranded\` while events wait in a runtime
group that the namespace has left. Reasons are stable; messages are for people and may change.
`;

export function generateResourceDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/webhookfunction.md', fieldsPage(fieldsIntro, functionSchema(receivers))],
    ['docs/reference/webhooksubscription.md', fieldsPage(subscriptionIntro, subscriptionSchema)],
    ['docs/reference/policy.md', policyPage()],
    ['docs/reference/conditions.md', reasonsPage()],
  ]);
}

function fieldsPage(intro: string, schema: SchemaNode): string {
  const { spec, status } = schema.properties ?? {};
  const lines = [intro];
  for (const [title, node] of [
    ['spec', spec],
    ['status', status],
  ] as const) {
    if (!node) continue;
    lines.push(`## ${title}\n`, '| field | type | description |', '| --- | --- | --- |', ...rows(node, title), '');
    const rules = [...sentences(node, title)];
    if (rules.length > 0) lines.push(`Rules of \`${title}\`:\n`, ...rules, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function policyPage(): string {
  return `${[policyIntro, '| field | type | description |', '| --- | --- | --- |', ...rows(policySchema, '')].join('\n')}\n`;
}

function* rows(node: SchemaNode, path: string): Generator<string> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const childPath = path === '' ? name : `${path}.${name}`;
    const required = node.required?.includes(name) === true ? ', required' : '';
    const local = child.localOnly === true ? ', local files only' : '';
    yield `| \`${childPath}\` | ${typeOf(child)}${required}${local} | ${escape(child.description ?? '')} |`;
    if (childPath.endsWith('.receiver')) continue;
    yield* rows(child, childPath);
    if (child.items?.properties) yield* rows(child.items, `${childPath}[]`);
    // By namespace: the only maps of objects that there are.
    if (child.additionalProperties?.properties) yield* rows(child.additionalProperties, `${childPath}.NAMESPACE`);
  }
}

function* sentences(node: SchemaNode, path: string): Generator<string> {
  for (const { message } of node.rules ?? []) yield `- \`${path}\`: ${message}`;
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* sentences(child, `${path}.${name}`);
  if (node.items) yield* sentences(node.items, `${path}[]`);
}

function typeOf(node: SchemaNode): string {
  if (node['x-kubernetes-int-or-string'] === true) return 'size';
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.type === 'array') return `list of ${node.items?.type ?? 'values'}, at most ${node.maxItems ?? '?'}`;
  return node.type ?? 'value';
}

function reasonsPage(): string {
  const lines = [reasonsIntro, '| reason | on | status | meaning | what to do |', '| --- | --- | --- | --- | --- |'];
  for (const [reason, { types, status, meaning, action }] of Object.entries(conditionReasons)) {
    lines.push(`| \`${reason}\` | ${types.join(', ')} | ${status} | ${escape(meaning)} | ${escape(action)} |`);
  }
  return `${lines.join('\n')}\n`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
