/** How many Kubernetes calls of functions ended how. */
import type { KubernetesAnswer } from '../../host/kubernetes-types.ts';
import type { Answer } from '../../link/exchange.ts';

export interface CallCounts {
  /** `operation`: one that exists, or nothing for a question that could not be read. */
  add(operation: string | undefined, answer: Answer): void;
  all(): Iterable<{ readonly operation: string; readonly outcome: string; readonly count: number }>;
}

export function createCallCounts(): CallCounts {
  const counts = new Map<string, number>();
  return {
    add(operation, answer) {
      const key = `${operation ?? 'unknown'} ${outcomeOf(answer)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    *all() {
      for (const [key, count] of counts) {
        const [operation = '', outcome = ''] = key.split(' ');
        yield { operation, outcome, count };
      }
    },
  };
}

/** Of few words: none of it is a tenant's text. */
function outcomeOf(answer: Answer): string {
  if (!answer.ok) return answer.code === 'Busy' ? 'busy' : 'refused';
  const said = answer.body as KubernetesAnswer;
  if (said.ok) return 'ok';
  if (said.status !== undefined) return String(said.status);
  // What was sent and has no status has a reason all the same.
  return said.reason === undefined ? 'refused' : 'away';
}
