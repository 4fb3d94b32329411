/**
 * Finds elements in an XML document by name: one linear pass over the text, no tree, no entities, and no document type,
 * which a genuine SOAP message never has.
 */

/** One element: all of it, and what is inside. */
export interface XmlElement {
  readonly outer: string;
  readonly inner: string;
}

const maxElements = 2000;

/** Whether the text may be read at all: no DOCTYPE, comments, CDATA or processing instructions but the declaration. */
export function isPlainXml(text: string): boolean {
  if (text.includes('<!')) return false;
  const instruction = text.indexOf('<?', 1);
  return instruction === -1;
}

const isNameEnd = (code: number): boolean =>
  code === 0x3e || code === 0x3c || code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d || code === 0x2f;

/** Elements with a local name that are not inside one another; undefined: not well formed, or too many. */
export function elementsNamed(text: string, name: string): readonly XmlElement[] | undefined {
  const found: XmlElement[] = [];
  let open: { readonly start: number; readonly inside: number } | undefined;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    const closing = text.charCodeAt(at + 1) === 0x2f;
    const from = at + (closing ? 2 : 1);
    let end = from;
    while (end < text.length && end - from < 128 && !isNameEnd(text.charCodeAt(end))) end += 1;
    const qualified = text.slice(from, end);
    if (qualified.slice(qualified.indexOf(':') + 1) !== name) continue;
    const close = text.indexOf('>', end);
    if (close === -1) return undefined;
    if (closing) {
      if (open === undefined) return undefined;
      found.push({ outer: text.slice(open.start, close + 1), inner: text.slice(open.inside, at) });
      open = undefined;
    } else if (open !== undefined) return undefined;
    else if (text.charCodeAt(close - 1) === 0x2f) found.push({ outer: text.slice(at, close + 1), inner: '' });
    else open = { start: at, inside: close + 1 };
    if (found.length > maxElements) return undefined;
  }
  return open === undefined ? found : undefined;
}

/** The text of the only element of that name; undefined: there is none, or several. */
export function onlyText(text: string, name: string): string | undefined {
  const elements = elementsNamed(text, name);
  const [element] = elements ?? [];
  return elements?.length === 1 && element !== undefined && !element.inner.includes('<')
    ? element.inner.trim()
    : undefined;
}
