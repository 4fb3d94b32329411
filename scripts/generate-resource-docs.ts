/** Reference pages of the resources: their fields from the schemas, their condition reasons from their catalogue. */
import { conditionReasons } from '../src/function/reasons.ts';
import { functionSchema } from '../src/function/schema.ts';
import { subscriptionSchema } from '../src/function/schema-subscription.ts';
import type { SchemaNode } from '../src/function/schema-node.ts';
import { receivers } from '../src/receivers/catalogue.ts';

const fieldsIntro = `# WebhookFunction

Every field of \`WebhookFunction\` (\`moonhook.dev/v1alpha1\`, short name \`whf\`), as \`kubectl explain whf\` shows them. Durations are a whole
number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes are Kubernetes quantities such as \`16Mi\`. The resource has no defaults in its schema:
what is left out is decided by the installation. Fields of receivers are on the page [receivers](receivers.md).
`;

const subscriptionIntro = `# WebhookSubscription

Every field of \`WebhookSubscription\` (\`moonhook.dev/v1alpha1\`, short name \`whs\`), as \`kubectl explain whs\` shows them. A subscription sends
events of its own namespace; each attempt is signed per [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks) with the same id
and a new timestamp.
`;

const reasonsIntro = `# Conditions of a WebhookFunction

\`Accepted\`: valid, allowed, and a runtime has checked the code. \`ResolvedRefs\`: what it refers to is there and may be used.
\`Programmed\`: the runtimes have it. \`Ready\`: the sum of the three, with the reason of the one that decides. \`Stalled\` is there only while
waiting changes nothing, \`Stranded\` while events wait in a runtime group that the namespace has left. Reasons are stable; messages are for people and may change.
`;

export function generateResourceDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/webhookfunction.md', fieldsPage(fieldsIntro, functionSchema(receivers))],
    ['docs/reference/webhooksubscription.md', fieldsPage(subscriptionIntro, subscriptionSchema)],
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

function* rows(node: SchemaNode, path: string): Generator<string> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const childPath = `${path}.${name}`;
    const required = node.required?.includes(name) === true ? ', required' : '';
    const local = child.localOnly === true ? ', local files only' : '';
    yield `| \`${childPath}\` | ${typeOf(child)}${required}${local} | ${escape(child.description ?? '')} |`;
    if (childPath.endsWith('.receiver')) continue;
    yield* rows(child, childPath);
    if (child.items?.properties) yield* rows(child.items, `${childPath}[]`);
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
