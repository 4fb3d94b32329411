/**
 * Who a request comes from: the API server's front proxy names the user in headers, and is believed only with its own
 * client certificate (Kubernetes: "Authenticating Proxy", ConfigMap `extension-apiserver-authentication`). Pure.
 */
import { X509Certificate } from 'node:crypto';

/** How the front proxy proves itself, and which headers it writes. */
export interface FrontProxy {
  /** PEM: who signs its certificates. */
  readonly authority: string;
  /** Common names it may have; none: any. */
  readonly names: readonly string[];
  readonly userHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

export interface ProvedUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The client certificate of a connection, as TLS judged it. */
export interface ShownCertificate {
  /** It is signed by the authority, in its time, for clients. */
  readonly authorized: boolean;
  readonly commonName: string | undefined;
}

/** Reads the data of the ConfigMap; a text: why it says nothing to go by. */
export function readFrontProxy(data: Readonly<Record<string, string>>): FrontProxy | string {
  const authority = data['requestheader-client-ca-file'] ?? '';
  if (!isCertificate(authority)) {
    return 'the API server has no front proxy: its flag --requestheader-client-ca-file is not set';
  }
  const list = (key: string): readonly string[] | undefined => {
    try {
      const value: unknown = JSON.parse(data[key] ?? '[]');
      return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
    } catch {
      return undefined;
    }
  };
  const names = list('requestheader-allowed-names');
  const userHeaders = list('requestheader-username-headers');
  const groupHeaders = list('requestheader-group-headers');
  const extraPrefixes = list('requestheader-extra-headers-prefix');
  if (names === undefined || groupHeaders === undefined || extraPrefixes === undefined || !userHeaders?.length) {
    return 'extension-apiserver-authentication cannot be read: no request is believed';
  }
  const lower = (texts: readonly string[]): readonly string[] => texts.map((text) => text.toLowerCase());
  return {
    authority,
    names,
    userHeaders: lower(userHeaders),
    groupHeaders: lower(groupHeaders),
    extraPrefixes: lower(extraPrefixes),
  };
}

/** The user that the front proxy names; a text: why nobody is believed. `headers`: names and values as they came. */
export function proveUser(
  proxy: FrontProxy,
  shown: ShownCertificate,
  headers: readonly (readonly [string, string])[],
): ProvedUser | string {
  if (!shown.authorized) return 'the connection shows no certificate of the front proxy';
  if (proxy.names.length > 0 && !proxy.names.includes(shown.commonName ?? '')) {
    return 'the certificate is of somebody else than the front proxy';
  }
  const valuesOf = (names: readonly string[]): readonly string[] =>
    headers.flatMap(([name, value]) => (names.includes(name.toLowerCase()) ? [value] : []));
  const [name = '', ...others] = valuesOf(proxy.userHeaders);
  if (name === '' || others.length > 0) return 'the front proxy names no user, or several';
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [header, value] of headers) {
    const lower = header.toLowerCase();
    const prefix = proxy.extraPrefixes.find((each) => lower.startsWith(each));
    if (prefix === undefined) continue;
    const key = unescapeKey(lower.slice(prefix.length));
    (extra[key] ??= []).push(value);
  }
  return { name, groups: valuesOf(proxy.groupHeaders), extra: { ...extra } };
}

/** Keys are percent-encoded where a header name could not hold them. */
function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).ca;
  } catch {
    return false;
  }
}
