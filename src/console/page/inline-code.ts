/** The Lua that stands as a block in a resource: taken out for an editor of its own, and put back without touching the rest. */
import { isScalar, parseAllDocuments, type Scalar } from 'yaml';

export interface InlineCode {
  readonly code: string;
  /** Of the first line of the code in the YAML, counted from 1. */
  readonly line: number;
  /** Columns that the block is indented by. */
  readonly indent: number;
}

interface Block {
  readonly from: number;
  readonly to: number;
  readonly indent: number;
  readonly code: string;
}

/** Undefined: there is no `spec.code`, or it is written in a way whose lines are not lines of the file. */
export function inlineCodeOf(yaml: string, namespace: string, name: string): InlineCode | undefined {
  const block = findBlock(yaml, namespace, name);
  if (block === undefined) return undefined;
  return { code: block.code, line: yaml.slice(0, block.from).split('\n').length, indent: block.indent };
}

/** The YAML with another code in that block. */
export function withInlineCode(yaml: string, namespace: string, name: string, code: string): string {
  const block = findBlock(yaml, namespace, name);
  if (block === undefined) return yaml;
  const indent = ' '.repeat(block.indent);
  const text = code.endsWith('\n') ? code : `${code}\n`;
  const lines = text.slice(0, -1).split('\n');
  const written = lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
  const next = `${yaml.slice(0, block.from)}${written}\n${yaml.slice(block.to)}`;
  // Where it stands now is known without reading all of it again, unless its first line decides upon the indentation.
  if (/^\n*\S/.test(text))
    known = { yaml: next, namespace, name, block: { ...block, to: block.from + written.length + 1, code: text } };
  return next;
}

/** The last one that was found: asked for again and again while somebody types. */
let known:
  | { readonly yaml: string; readonly namespace: string; readonly name: string; readonly block: Block }
  | undefined;

function findBlock(yaml: string, namespace: string, name: string): Block | undefined {
  if (known?.yaml === yaml && known.namespace === namespace && known.name === name) return known.block;
  for (const document of parseAllDocuments(yaml)) {
    if (document.errors.length > 0 || document.get('kind') !== 'WebhookFunction') continue;
    if (document.getIn(['metadata', 'name']) !== name) continue;
    if ((document.getIn(['metadata', 'namespace']) ?? 'default') !== namespace) continue;
    const node = document.getIn(['spec', 'code'], true);
    if (!isScalar(node)) continue;
    const block = blockOf(yaml, node);
    if (block !== undefined) known = { yaml, namespace, name, block };
    return block;
  }
  return undefined;
}

/** Literal blocks (`|`) only, without an own indentation indicator. */
function blockOf(yaml: string, node: Scalar): Block | undefined {
  const { type, range, value } = node;
  if (type !== 'BLOCK_LITERAL' || !range || typeof value !== 'string') return undefined;
  const header = yaml.indexOf('\n', range[0]);
  if (header === -1 || /\d/.test(yaml.slice(range[0], header).replace(/#.*/, ''))) return undefined;
  const from = header + 1;
  const to = range[1];
  const first = yaml
    .slice(from, to)
    .split('\n')
    .find((line) => line.trim() !== '');
  if (first === undefined) return undefined;
  const indent = first.length - first.trimStart().length;
  return indent === 0 ? undefined : { from, to, indent, code: value };
}
