/** What is wrong with a schema of ours as a schema: said in tests before an API server refuses it or a user trips over it. */
import type { SchemaNode } from '../../src/function/schema-node.ts';

/** Plain words that YAML 1.1 reads as a boolean or nothing: kubectl turns a key `on` into `true`. https://yaml.org/type/bool.html */
const yamlWords: ReadonlySet<string> = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', '~', '']);

/** Names CEL cannot say after `self.` without escapes. https://kubernetes.io/docs/reference/using-api/cel/#escaping */
const celWords: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);

/** One line per problem; empty: the schema is sound. */
export function schemaProblems(node: SchemaNode, path = ''): readonly string[] {
  const at = path === '' ? 'the document' : path;
  const problems: string[] = [];
  const say = (problem: string): void => {
    problems.push(`${at}: ${problem}`);
  };
  if (path !== 'metadata') {
    const { description } = node;
    if (description === undefined) say('has no description');
    else if (!/^["A-Z].*[^\s]$/s.test(description) || description.length > 400)
      say('its description is not a sentence');
  }
  checkBounds(node, path, say);
  // Nobody writes the status by hand, and its words are Kubernetes's.
  const words = path.startsWith('status.') ? [] : (node.enum ?? []);
  for (const value of words)
    if (yamlWords.has(String(value).toLowerCase())) say(`the value ${value} is a YAML boolean or null`);
  if (node.default !== undefined && path !== 'status') say('has a default');
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const childPath = path === '' ? name : `${path}.${name}`;
    if (yamlWords.has(name.toLowerCase())) say(`the field ${name} is a YAML boolean or null`);
    if (celWords.has(name)) say(`the field ${name} is a reserved word of CEL`);
    problems.push(...schemaProblems(child, childPath));
  }
  for (const name of node.required ?? []) {
    if (!Object.hasOwn(node.properties ?? {}, name)) say(`requires ${name}, which it does not have`);
  }
  for (const rule of node.rules ?? []) {
    if (rule.message === '' || rule.message.includes('\n')) say(`the rule ${rule.cel} has no message of one line`);
    if (/\bself\.(code|modules)\b/.test(rule.cel.replaceAll(/has\(self\.\w+\)/g, '')))
      say(`the rule ${rule.cel} walks code`);
  }
  for (const key of node['x-kubernetes-list-map-keys'] ?? []) {
    if (node.items?.required?.includes(key) !== true) say(`its key ${key} is not required of its items`);
  }
  if (node.items) problems.push(...schemaProblems(node.items, `${path}[]`));
  if (node.additionalProperties) problems.push(...schemaProblems(node.additionalProperties, `${path}.*`));
  return problems;
}

function checkBounds(node: SchemaNode, path: string, say: (problem: string) => void): void {
  const { type } = node;
  if (node['x-kubernetes-int-or-string'] === true) {
    if (node.maxLength === undefined) say('has no maxLength');
    return;
  }
  if (type === undefined && node['x-kubernetes-preserve-unknown-fields'] !== true) say('has no type');
  if (type === 'string' && node.enum === undefined && node.maxLength === undefined) say('has no maxLength');
  if (type === 'array') {
    if (node.maxItems === undefined) say('has no maxItems');
    if (node['x-kubernetes-list-type'] === undefined) say('does not say how lists are merged');
    if (!node.items) say('does not say what its items are');
  }
  if (type === 'integer' && (node.minimum === undefined || (node.maximum === undefined && node.format !== 'int64'))) {
    say('has no bounds');
  }
  if (type === 'object') {
    const open = node.additionalProperties !== undefined || node['x-kubernetes-preserve-unknown-fields'] === true;
    if (open && node.maxProperties === undefined) say('has no maxProperties');
    if (node.additionalProperties && node.properties) say('has both properties and additionalProperties');
    if (!open && !node.properties && path !== 'metadata') say('has no properties');
  }
}
