/**
 * What the copies of watched objects may take of the controller's memory: so much for the accounts of one namespace, and
 * lists a few pages at a time, since a page of large objects is large itself.
 */
import type { KubeFailure } from '../kube-answer.ts';

/** Of text; in memory a copy takes about as much again. */
export const defaultBytesPerNamespace = 64 * 1024 * 1024;
/** Objects of a page: 50 of 1 MiB are 50 MiB as text and as much parsed. */
export const pageSize = 50;
const listsAtOnce = 2;

export interface CopyBudget {
  /** A copy of an account's grew by so many bytes of text, or shrank. */
  change(account: string | undefined, bytes: number): void;
  /** Set: with so much more it would be too much. */
  refuse(account: string | undefined, more: number): KubeFailure | undefined;
  /** Waits for its turn among the lists. */
  inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer>;
}

export function createCopyBudget(bytesPerNamespace: number): CopyBudget {
  const taken = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    change(account, bytes) {
      const key = namespaceOf(account);
      const left = (taken.get(key) ?? 0) + bytes;
      if (left === 0) taken.delete(key);
      else taken.set(key, left);
    },
    refuse(account, more) {
      const namespace = namespaceOf(account);
      if ((taken.get(namespace) ?? 0) + more <= bytesPerNamespace) return undefined;
      const message = `the objects that kubernetes triggers of ${namespace} look at take more than ${bytesPerNamespace} bytes: choose fewer by \`namespaces\` and selectors`;
      return { ok: false, status: 413, reason: 'TooLarge', message };
    },
    async inTurn(ask) {
      if (running >= listsAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await ask();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}

/** `system:serviceaccount:NAMESPACE:NAME`; whoever watches in his own name is one account. */
function namespaceOf(account: string | undefined): string {
  return /^system:serviceaccount:([^:]+):/.exec(account ?? '')?.[1] ?? account ?? '';
}
