/** A request target that is a whole URL, as clients send it to a proxy: RFC 9112 §3.2.2 has every server take it. */

export type AbsoluteTarget =
  /** What the URL names: its host and port instead of the `Host` header, its path and query as the target. */
  | { readonly ok: true; readonly authority: string; readonly target: string }
  | { readonly ok: false; readonly mistake: string };

/** RFC 9110 §7.2, as far as it matters: a name or an address, and a port. */
const hostForm = /^(?:[\w.~-]*|\[[\da-f:.]+\])(?::\d*)?$/i;

/** Whether a text may stand in a `Host` header. */
export function isHost(text: string): boolean {
  return hostForm.test(text);
}

/** Undefined: it has no scheme (a path, or the `*` of OPTIONS). */
export function readAbsoluteTarget(url: string): AbsoluteTarget | undefined {
  const parts = /^([a-z][a-z\d+.-]*):(\/\/)?([^/?#]*)(.*)$/is.exec(url);
  if (parts === null) return undefined;
  const [, scheme = '', slashes, authority = '', rest = ''] = parts;
  // RFC 9110 §7.4: what is asked for as https is not answered over a connection that is not.
  if (scheme.toLowerCase() !== 'http' || slashes === undefined) return wrong('the request target is no http URL');
  if (authority.includes('@')) return wrong('the request target has a user name');
  if (authority === '' || authority.startsWith(':') || !isHost(authority)) {
    return wrong('the request target has no host');
  }
  if (rest.includes('#')) return wrong('the request target has a fragment');
  return { ok: true, authority, target: rest.startsWith('/') ? rest : `/${rest}` };
}

const wrong = (mistake: string): AbsoluteTarget => ({ ok: false, mistake });
