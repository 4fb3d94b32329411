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

/** The namespace's UID, with which every destination begins. */
export function namespaceOf(destination: string): string {
  return destination.slice(0, Math.max(0, destination.indexOf('/')));
}

const kindLength = 'trigger:'.length;

/** Undefined: not a function's destination. */
export function parseDestination(text: string): FunctionDestination | undefined {
  // By hand: each accepted event asks twice.
  const first = text.indexOf('/');
  const second = text.indexOf('/', first + 1);
  const name = text.slice(second + 1 + kindLength);
  if (first < 1 || second <= first + 1 || name === '' || name.includes('\n')) return undefined;
  const isTrigger = text.startsWith('trigger:', second + 1);
  if (!isTrigger && !text.startsWith('handler:', second + 1)) return undefined;
  return {
    namespaceUid: text.slice(0, first),
    functionName: text.slice(first + 1, second),
    target: isTrigger ? { trigger: name } : { handler: name },
  };
}
