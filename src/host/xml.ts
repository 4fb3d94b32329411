/** `xml`: reads XML into tables. No document types, no entities but the predefined ones. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { LuaInput } from '../lua/types.ts';
import { cappedText, failed, pure } from './define.ts';
import type { HostModule } from './types.ts';

const textCap = 128 * 1024;
const markCap = 5_000;
/** Two levels of tables per element, within the 64 that cross to Lua. */
const depthCap = 30;

class XmlProblem extends Error {}

const parser = (): XMLParser =>
  new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    processEntities: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    cdataPropName: '#cdata',
    maxNestedTags: depthCap,
    onDangerousProperty: (name) => name,
  });

type Node = Readonly<Record<string, unknown>>;

/** Reads a document; throws XmlProblem. */
function readDocument(text: string): LuaInput {
  if (/<!DOCTYPE/i.test(text)) throw new XmlProblem('document types are not accepted');
  let marks = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // An attribute takes three times as long as a tag.
    if (code === 0x3c) marks += 1;
    else if (code === 0x3d) marks += 3;
    else if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d)
      throw new XmlProblem(`the control character ${code}`);
  }
  if (marks > markCap) throw new XmlProblem(`more than ${markCap} tags and attributes (each counting as three)`);
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new XmlProblem(`line ${valid.err.line}: ${valid.err.msg}`);
  let nodes: readonly Node[];
  try {
    nodes = parser().parse(text) as readonly Node[];
  } catch (error) {
    throw new XmlProblem(error instanceof Error ? error.message.slice(0, 200) : 'not XML');
  }
  const roots = nodes.filter((node) => nameOf(node) !== '#text');
  const [root] = roots;
  if (root === undefined || roots.length !== 1) throw new XmlProblem('exactly one root element expected');
  return element(root);
}

function nameOf(node: Node): string {
  return Object.keys(node).find((key) => key !== ':@') ?? '#text';
}

function element(node: Node): LuaInput {
  const name = nameOf(node);
  const attributes = new Map<string, string>();
  for (const [key, value] of Object.entries((node[':@'] ?? {}) as Readonly<Record<string, unknown>>)) {
    attributes.set(key.slice(1), decodeEntities(String(value)));
  }
  const children: LuaInput[] = [];
  let text = '';
  for (const child of node[name] as readonly Node[]) {
    const kind = nameOf(child);
    if (kind !== '#text' && kind !== '#cdata') {
      children.push(element(child));
      continue;
    }
    const piece =
      kind === '#text'
        ? decodeEntities(String(child['#text']))
        : (child['#cdata'] as readonly Node[]).map((part) => String(part['#text'])).join('');
    text += piece;
    if (piece.trim() !== '') children.push(piece);
  }
  return { name, attributes, children, text: children.some((child) => typeof child === 'string') ? text : '' };
}

const predefined: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&\s]{0,32});?/g, (whole, name: string) => {
    const known = predefined.get(name);
    if (known !== undefined && whole.endsWith(';')) return known;
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
    const code = number === null ? 0 : number[1] === undefined ? Number(number[2]) : Number.parseInt(number[1], 16);
    if (!whole.endsWith(';') || !isCharacter(code))
      throw new XmlProblem(`the entity "${whole.slice(0, 40)}" is not known`);
    return String.fromCodePoint(code);
  });
}

/** XML 1.0 §2.2. */
function isCharacter(code: number): boolean {
  return (
    code === 0x09 ||
    code === 0x0a ||
    code === 0x0d ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  );
}

export const xml: HostModule = {
  name: 'xml',
  summary: 'Reads XML. Document types, entities of their own and processing instructions are not processed.',
  entries: [
    {
      name: 'xml.decode',
      summary: 'Reads a document into tables, one for each element.',
      parameters: [{ name: 'text', type: 'string', description: 'UTF-8' }],
      returns: [
        {
          name: 'root',
          type: 'moonhook.XmlElement?',
          description:
            '`name` (with prefix), `attributes` (name → value), `children` (elements and texts in order), `text` (its own text)',
        },
        { name: 'err', type: 'moonhook.Error?', description: 'what is wrong, with the line' },
      ],
      errors: [
        'answers `nil, err` if the text is not well-formed, has a document type, or elements named `__proto__`, `constructor` or `prototype`',
        'raises if the text is over the cap',
      ],
      answersError: true,
      example: `return function()
  local order = assert(xml.decode('<order id="7"><item>lamp &amp; bulb</item></order>'))
  assert(order.name == "order" and order.attributes.id == "7")
  assert(order.children[1].text == "lamp & bulb")
end`,
      caps: 'text ≤ 128 KiB, ≤ 5,000 tags (opening and closing), an attribute counting as three, depth ≤ 30; costs CPU per byte',
      implementation: pure('xml.decode', (args, call) => {
        const text = cappedText(args, call, 1, textCap);
        call.charge(text.length * 8);
        try {
          return readDocument(text);
        } catch (error) {
          if (error instanceof XmlProblem) return failed(`the text is not acceptable XML: ${error.message}`);
          throw error;
        }
      }),
    },
  ],
};
