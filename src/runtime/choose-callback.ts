/** `X-Callback-Url` of an asynchronous call: only where the function has a callback, and only to hosts it names. */
import { checkTarget, checkWrittenTarget } from '../policy/egress-target.ts';
import { egressPatterns, namespaceEgress } from '../policy/namespace-egress.ts';
import { checkUrl } from '../policy/outbound-request.ts';
import type { OutboundVerdict } from '../policy/outbound-types.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { CallbackEntry } from '../routing/types.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

export const callbackHeader = 'x-callback-url';

/** Notes on the call where its result goes, or refuses it. `destination`: whose result it is. */
export function chooseCallback(
  call: HttpCall,
  parts: WorkerParts,
  callback: CallbackEntry | undefined,
  destination: string,
): 'refused' | undefined {
  const url = call.header(callbackHeader);
  if (url === undefined) return undefined;
  if (callback === undefined) {
    refuse(call, parts, 'CallbackNotConfigured', { outcome: 'limited' });
    return 'refused';
  }
  const namespace = call.fn?.entry.namespace ?? '';
  const verdict = checkCallbackUrl(url, callback, parts.settings.policy, namespace);
  if (!verdict.ok) {
    call.note('callback', false, verdict.message);
    refuse(call, parts, 'CallbackUrlRefused', { outcome: 'limited', publicDetail: verdict.message });
    return 'refused';
  }
  call.callback = { url, destination };
  return undefined;
}

/** Names and literal addresses; what a name resolves to is looked at when it is dialled. */
export function checkCallbackUrl(
  url: string,
  { urls }: Pick<CallbackEntry, 'urls'>,
  policy: InstallationPolicy,
  namespace: string,
): OutboundVerdict {
  const checked = checkUrl(url);
  if (!checked.ok) return checked;
  const { target } = checked.value;
  const installation = namespaceEgress(policy, namespace);
  const { ceiling: _ceiling, ...anywhere } = installation;
  const named = checkWrittenTarget({ installation: anywhere, allow: egressPatterns(urls) }, target);
  if (named.ok) return checkTarget({ installation }, target);
  if (named.rule !== 'host') return named;
  return { ...named, message: `${target.host} is not among the hosts of the function's callback.urls` };
}
