/** Names of destinations outside: a subscription, or the callbacks of a function. No function is named `-`. */

export interface OutgoingDestination {
  readonly namespaceUid: string;
  readonly kind: 'subscription' | 'callback';
  /** Of the subscription, or of the function whose callbacks they are. */
  readonly name: string;
}

/** `NAMESPACE-UID/-/subscription:NAME`, `NAMESPACE-UID/-/callback:FUNCTION`. */
export function formatOutgoing({ namespaceUid, kind, name }: OutgoingDestination): string {
  return `${namespaceUid}/-/${kind}:${name}`;
}

/** Whether it is no function's. */
export function isOutgoingName(text: string): boolean {
  return text.includes('/-/');
}

/** Undefined: not a destination outside. */
export function parseOutgoing(text: string): OutgoingDestination | undefined {
  // No function is named `-`: most destinations are told apart without a pattern.
  if (!isOutgoingName(text)) return undefined;
  const match = /^([^/]+)\/-\/(subscription|callback):(.+)$/.exec(text);
  if (match === null) return undefined;
  const [, namespaceUid = '', kind, name = ''] = match;
  return { namespaceUid, kind: kind === 'callback' ? 'callback' : 'subscription', name };
}
