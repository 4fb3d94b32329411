/** A function or a subscription as verbs take them: `NS/NAME`, `NAME`, `whs/NS/NAME`, `whs/NAME`. */
import { readTarget, type TargetName } from './target-name.ts';

export interface SubjectName extends TargetName {
  readonly kind: 'function' | 'subscription';
}

const subscriptionPrefix = 'whs/';

/** What is meant; a text: why nothing is. `whs/` always begins the name of a subscription. */
export function readSubject(text: string, namespaceOption: string | undefined): SubjectName | string {
  const isSubscription = text.startsWith(subscriptionPrefix);
  const target = readTarget(isSubscription ? text.slice(subscriptionPrefix.length) : text, namespaceOption);
  if (typeof target === 'string') return target;
  return { ...target, kind: isSubscription ? 'subscription' : 'function' };
}
