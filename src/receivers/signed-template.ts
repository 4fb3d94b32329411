/** The text a sender signs, as a template: `{timestamp}.{body}`, `v0:{timestamp}:{body}`, `{url}{body}`. */
import type { RawRequest } from './types.ts';
import { formType, sortedFormText } from './form-body.ts';
import { mediaType, single } from './read-header.ts';

export type TemplatePart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'body' | 'timestamp' | 'id' | 'method' | 'url' | 'path' }
  /** The decoded fields of a form by name, each name before its values: only for senders of the catalogue. */
  | { readonly kind: 'form' }
  | { readonly kind: 'header'; readonly name: string };

/** Parsed once; a template without `{body}` holds a header with a digest of the body. */
export interface SignedTemplate {
  readonly text: string;
  readonly parts: readonly TemplatePart[];
  /** The header whose digest of the body is signed instead of the body: `content-digest` or `digest`. */
  readonly digestHeader?: 'content-digest' | 'digest';
}

export type ParsedTemplate =
  | { readonly ok: true; readonly template: SignedTemplate }
  | { readonly ok: false; readonly message: string };

const simpleParts = ['body', 'timestamp', 'id', 'method', 'url', 'path'] as const;
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const known = '{body}, {timestamp}, {id}, {method}, {url}, {path} and {header:NAME}';

function parsePart(inside: string): TemplatePart | undefined {
  const kind = simpleParts.find((name) => name === inside);
  if (kind !== undefined) return { kind };
  if (!inside.startsWith('header:')) return undefined;
  const name = inside.slice('header:'.length);
  return headerName.test(name) ? { kind: 'header', name: name.toLowerCase() } : undefined;
}

/** Reads a template; the message of a mistake says what is wrong and what is allowed. */
export function parseTemplate(text: string): ParsedTemplate {
  if (text.length > 256) return { ok: false, message: 'is longer than 256 characters' };
  const parts: TemplatePart[] = [];
  let position = 0;
  while (position < text.length) {
    const open = text.indexOf('{', position);
    const literal = text.slice(position, open === -1 ? text.length : open);
    if (literal.includes('}')) return { ok: false, message: 'has a "}" without its "{"' };
    if (literal !== '') parts.push({ kind: 'literal', text: literal });
    if (open === -1) break;
    const close = text.indexOf('}', open);
    if (close === -1) return { ok: false, message: 'has a "{" without its "}"' };
    const inside = text.slice(open + 1, close);
    const part = parsePart(inside);
    if (part === undefined) return { ok: false, message: `has the unknown part {${inside}}; known are ${known}` };
    parts.push(part);
    position = close + 1;
  }
  return checkCoverage(text, parts);
}

function checkCoverage(text: string, parts: readonly TemplatePart[]): ParsedTemplate {
  for (const kind of ['body', 'timestamp', 'id'] as const) {
    if (parts.filter((part) => part.kind === kind).length > 1) {
      return { ok: false, message: `has {${kind}} more than once` };
    }
  }
  if (parts.some((part) => part.kind === 'body' || part.kind === 'form'))
    return { ok: true, template: { text, parts } };
  for (const digestHeader of ['content-digest', 'digest'] as const) {
    if (parts.some((part) => part.kind === 'header' && part.name === digestHeader)) {
      return { ok: true, template: { text, parts, digestHeader } };
    }
  }
  return {
    ok: false,
    message:
      'leaves the body unsigned: add {body}, or a signed digest of it ({header:Content-Digest} or {header:Digest})',
  };
}

/** A template written in the source of a sender; a mistake there is a defect. `{url}{form}` is Twilio's and Mandrill's. */
export function template(text: string): SignedTemplate {
  if (text === '{url}{form}') return { text, parts: [{ kind: 'url' }, { kind: 'form' }] };
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`signed template "${text}" ${parsed.message}`);
  return parsed.template;
}

/** Whether a part is in the template. */
export function uses(signed: SignedTemplate, kind: TemplatePart['kind']): boolean {
  return signed.parts.some((part) => part.kind === kind);
}

/** What fills the parts besides the request itself. */
export interface TemplateValues {
  readonly timestamp?: string;
  readonly id?: string;
  /** Instead of the request's own, where the URL registered at the sender is configured. */
  readonly url?: string;
}

export type Rendered =
  | { readonly ok: true; readonly chunks: readonly (string | Uint8Array)[] }
  | { readonly ok: false; readonly reason: 'PartMissing' | 'PartMalformed'; readonly part: string };

/** The signed bytes in pieces; strings are bytes of the wire (one per character). */
export function renderTemplate(signed: SignedTemplate, request: RawRequest, values: TemplateValues): Rendered {
  const chunks: (string | Uint8Array)[] = [];
  for (const [index, part] of signed.parts.entries()) {
    switch (part.kind) {
      case 'literal':
        chunks.push(Buffer.from(part.text, 'utf8'));
        break;
      case 'body':
        chunks.push(request.body);
        break;
      case 'method':
        chunks.push(request.method);
        break;
      case 'url':
      case 'path': {
        const url = values.url ?? request.publicUrl;
        // Without a border between them, the beginning of a body could be moved into the query.
        if (signed.parts[index + 1]?.kind === 'body' && !isUrlText(url)) {
          return { ok: false, reason: 'PartMalformed', part: part.kind };
        }
        chunks.push(part.kind === 'url' ? url : pathOf(url));
        break;
      }
      case 'form': {
        const form = mediaType(request) === formType ? sortedFormText(request.body) : undefined;
        if (form === undefined) return { ok: false, reason: 'PartMissing', part: 'form' };
        chunks.push(form);
        break;
      }
      case 'timestamp':
      case 'id': {
        const value = values[part.kind];
        if (value === undefined) return { ok: false, reason: 'PartMissing', part: part.kind };
        const next = signed.parts[index + 1];
        // An id with the separator inside could borrow bytes from the part behind it.
        if (part.kind === 'id' && next?.kind === 'literal' && value.includes(next.text)) {
          return { ok: false, reason: 'PartMalformed', part: part.kind };
        }
        chunks.push(value);
        break;
      }
      case 'header': {
        const value = single(request.headers.get(part.name));
        if (value.kind !== 'one') return { ok: false, reason: 'PartMissing', part: `header ${part.name}` };
        chunks.push(value.value);
        break;
      }
    }
  }
  return { ok: true, chunks };
}

/** Only characters that URLs are written in (RFC 3986): JSON begins with none of them but in numbers and words. */
const isUrlText = (url: string): boolean =>
  /^[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*$/.test(url.replace(/\[[\da-f.:]+\]/i, ''));

/** Path and query of an absolute URL, exactly as written. */
export function pathOf(url: string): string {
  const authority = url.indexOf('//');
  const slash = url.indexOf('/', authority === -1 ? 0 : authority + 2);
  return slash === -1 ? '/' : url.slice(slash);
}
