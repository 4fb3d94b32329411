/** Counts of things that are rare or refused, kept by labels until the next batch goes to the main thread. */
import type { RareCount } from './worker-messages.ts';
import type { RareCounts } from './worker-parts.ts';

/** More different labels than this in one batch are counted as `other`. */
const maxKeys = 500;

export interface RareCounter extends RareCounts {
  readonly pending: boolean;
  take(): readonly RareCount[];
}

export function createRareCounts(): RareCounter {
  let counts = new Map<string, { metric: RareCount['metric']; labels: readonly string[]; count: number }>();
  function add(metric: RareCount['metric'], labels: readonly string[]): void {
    const key = `${metric} ${labels.join('\0')}`;
    const known = counts.get(key);
    if (known !== undefined) known.count += 1;
    else if (counts.size >= maxKeys && labels.some((label) => label !== 'other'))
      add(
        metric,
        labels.map(() => 'other'),
      );
    else counts.set(key, { metric, labels, count: 1 });
  }
  return {
    rejection: (receiver, reason) => add('receiver_rejections_total', [receiver, reason]),
    refusal: (code) => add('http_requests_refused_total', [code]),
    attempt: (result) => add('delivery_attempts_total', [result]),
    webhook: (namespace, subscription, result) => add('webhook_attempts_total', [namespace, subscription, result]),
    reuse: (receiver) => add('delivery_id_reuse_total', [receiver]),
    silence: (reason) => add('kubernetes_states_skipped_total', [reason]),
    get pending() {
      return counts.size > 0;
    },
    take() {
      const taken = [...counts.values()];
      counts = new Map();
      return taken;
    },
  };
}
