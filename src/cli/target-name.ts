/** Names of functions as every verb takes them: `NS/NAME`, or `NAME` with `-n NS`. */

export interface TargetName {
  readonly namespace: string;
  readonly name: string;
}

const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;

/** The function that is meant; a text: why none is. */
export function readTarget(text: string, namespaceOption: string | undefined): TargetName | string {
  const slash = text.indexOf('/');
  const name = text.slice(slash + 1);
  const own = slash === -1 ? undefined : text.slice(0, slash);
  if (own !== undefined && namespaceOption !== undefined && own !== namespaceOption) {
    return `${text} names namespace ${own}, and -n says ${namespaceOption}`;
  }
  const namespace = own ?? namespaceOption ?? 'default';
  if (!label.test(namespace) || !subdomain.test(name)) return `${JSON.stringify(text)} is not NAMESPACE/NAME or NAME`;
  return { namespace, name };
}
