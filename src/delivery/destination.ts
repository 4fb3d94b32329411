/** Names of destinations: which handler of which function a delivery goes to. State is keyed by namespace UID and function name. */

export interface FunctionDestination {
  readonly namespaceUid: string;
  readonly functionName: string;
  /** A trigger's name, or a handler that needs no trigger (`later`). */
  readonly target: { readonly trigger: string } | { readonly handler: string };
}

/** `NAMESPACE-UID/FUNCTION/trigger:NAME` or `…/handler:NAME`. */
export function formatDestination({ namespaceUid, functionName, target }: FunctionDestination): string {
  const last = 'trigger' in target ? `trigger:${target.trigger}` : `handler:${target.handler}`;
  return `${namespaceUid}/${functionName}/${last}`;
}

/** Undefined: not a function's destination. */
export function parseDestination(text: string): FunctionDestination | undefined {
  const match = /^([^/]+)\/([^/]+)\/(trigger|handler):(.+)$/.exec(text);
  if (match === null) return undefined;
  const [, namespaceUid = '', functionName = '', kind, name = ''] = match;
  return { namespaceUid, functionName, target: kind === 'trigger' ? { trigger: name } : { handler: name } };
}
