/** Replays and cancellations: counted first, then done; each replay has a number of its own. */
import { watchApi, type Count } from './watch-api.ts';

export interface Selection {
  readonly id?: string;
  readonly function?: string;
  readonly subscription?: string;
  readonly since?: string;
}

/** What is asked for: everything of one selection, or several single deliveries. */
export interface ActWish {
  readonly verb: 'replay' | 'cancel';
  readonly namespace: string;
  readonly selections: readonly Selection[];
  /** Of a replay: dead ones only. */
  readonly dead?: boolean;
}

/** How many it would be about. */
export async function countAct(wish: ActWish): Promise<Count> {
  return sumCounts(await each(wish, { dryRun: true }));
}

/** Does it. */
export async function doAct(wish: ActWish): Promise<Count> {
  return sumCounts(await each(wish, {}));
}

async function each({ verb, namespace, selections, dead }: ActWish, more: object): Promise<readonly Count[]> {
  const counts: Count[] = [];
  for (const selection of selections) {
    if (verb === 'cancel') counts.push(await watchApi.cancel(namespace, { ...selection, ...more }));
    else {
      const only = dead === true ? { dead } : {};
      counts.push(await watchApi.replay(namespace, { ...selection, ...only, ...more }));
    }
  }
  return counts;
}

function sumCounts(counts: readonly Count[]): Count {
  return {
    count: counts.reduce((sum, { count }) => sum + count, 0),
    exact: counts.every(({ exact }) => exact),
    destinations: joinDestinations(counts.flatMap(({ destinations }) => destinations)),
    running: counts.reduce((sum, { running = 0 }) => sum + running, 0),
  };
}

/** Several deliveries to one destination are told of once. */
function joinDestinations(all: Count['destinations']): Count['destinations'] {
  const byTo = new Map<string, Count['destinations'][number]>();
  for (const each of all) {
    const key = JSON.stringify(each.to);
    byTo.set(key, { ...each, count: each.count + (byTo.get(key)?.count ?? 0) });
  }
  return [...byTo.values()];
}
