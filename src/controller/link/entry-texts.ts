/** The text and digest of entries on the wire: made once for all runtimes that need them in the same moment. */
import { createHash } from 'node:crypto';
import type { SubscriptionEntry } from '../../routing/subscription-entry.ts';
import type { FunctionEntry } from '../../routing/types.ts';
import { encodeEntry, encodeSubscription } from '../../routing/wire-format.ts';

/** Letters in front of digests: what a runtime holds under a uid. */
const functionLetter = 'f';
export const subscriptionLetter = 's';

export type Encodable =
  | { readonly kind: 'function'; readonly entry: FunctionEntry }
  | { readonly kind: 'subscription'; readonly entry: SubscriptionEntry };

export interface EntryTexts {
  text(item: Encodable): string;
  digest(item: Encodable): string;
  /** Texts go after a while; digests stay as long as their entries. */
  forgetTexts(): void;
}

export function createEntryTexts(): EntryTexts {
  const digests = new WeakMap<object, string>();
  const texts = new Map<object, string>();
  function text(item: Encodable): string {
    const known = texts.get(item.entry);
    if (known !== undefined) return known;
    const made = item.kind === 'function' ? encodeEntry(item.entry) : encodeSubscription(item.entry);
    texts.set(item.entry, made);
    return made;
  }
  return {
    text,
    digest(item) {
      const known = digests.get(item.entry);
      if (known !== undefined) return known;
      const letter = item.kind === 'function' ? functionLetter : subscriptionLetter;
      const made = letter + createHash('sha256').update(text(item)).digest('base64url').slice(0, 24);
      digests.set(item.entry, made);
      return made;
    },
    forgetTexts: () => texts.clear(),
  };
}
