/** Where the page is, in the fragment of the address: it survives a reload, and the browser's back goes back. */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  /** The first part; empty: the start. */
  readonly section: string;
  readonly parts: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

/** `#/functions/team-a/deploy?tab=calls`; anything else is the start. */
export function readPlace(hash: string): Place {
  if (!hash.startsWith('#/')) return { section: '', parts: [], query: {} };
  const [path = '', search = ''] = hash.slice(2).split('?', 2);
  const [section = '', ...parts] = path.split('/').map(decoded);
  return { section, parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** An address for a link; parameters that are undefined or empty are left out. */
export function hrefOf(
  section: string,
  parts: readonly string[] = [],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const search = new URLSearchParams(given).toString();
  const path = [section, ...parts].map(encodeURIComponent).join('/');
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

/** Goes there; `replace`: the place before is not one to go back to, as while a filter is typed. */
export function goTo(href: string, replace = false): void {
  if (!replace) {
    location.hash = href;
    return;
  }
  history.replaceState(null, '', href);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

/** The place, kept up. */
export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = (): void => setHash(location.hash);
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return readPlace(hash);
}

/** What a person typed need not decode. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
