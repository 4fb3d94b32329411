/** Writes ConfigMaps at random, and knows what a function that watches them by label must and must not have been told. */
import type { KubeClient } from '../../src/controller/kube-client.ts';
import type { RecordedCall } from './event-cluster.ts';
import { writeConfigMap } from './event-cluster.ts';

interface Story {
  readonly name: string;
  /** Grows with each write. */
  count: number;
  selected: boolean;
  alive: boolean;
  /** It was not selected, for a while. */
  hasLeft: boolean;
}

export interface ObjectOracle {
  readonly writes: number;
  /** Objects ever made. */
  readonly objects: number;
  /** The same sequence in each run. */
  chance(): number;
  write(): Promise<void>;
  /** What is wrong with the calls, by the stories of all objects; by name, in order. */
  judge(calls: ReadonlyMap<string, readonly RecordedCall[]>): readonly string[];
}

export function createObjectOracle(
  client: KubeClient,
  labels: Readonly<Record<string, string>>,
  seed: number,
): ObjectOracle {
  const chance = chanceFrom(seed);
  const stories = new Map<string, Story>();
  const current = new Map<string, string>();
  let writes = 0;

  async function write(): Promise<void> {
    const name = `r-${Math.floor(chance() * 15)}`;
    const known = stories.get(current.get(name) ?? '');
    const dice = chance();
    writes += 1;
    if (known !== undefined && dice < 0.2) {
      await client.request({ method: 'DELETE', path: `/api/v1/namespaces/team-a/configmaps/${name}` });
      known.alive = false;
      current.delete(name);
      return;
    }
    const selected = dice < 0.35 ? !(known?.selected ?? false) : (known?.selected ?? true);
    const count = (known?.count ?? 0) + 1;
    const data = { count: String(count) };
    const { metadata } = await writeConfigMap(client, name, { data, labels: selected ? labels : {} });
    const story = known ?? { name, count, selected, alive: true, hasLeft: false };
    story.hasLeft ||= !selected;
    story.count = count;
    story.selected = selected;
    stories.set(metadata.uid, story);
    current.set(name, metadata.uid);
  }

  return {
    chance,
    write,
    get writes() {
      return writes;
    },
    get objects() {
      return stories.size;
    },
    judge(calls) {
      const byUid = new Map<string, RecordedCall[]>();
      for (const call of [...calls.values()].flat()) {
        const { uid } = call.object.metadata;
        byUid.set(uid, [...(byUid.get(uid) ?? []), call]);
      }
      const strangers = [...byUid.keys()].filter((uid) => !stories.has(uid)).map((uid) => `${uid}: nobody made it`);
      return [...strangers, ...[...stories].flatMap(([uid, story]) => judgeStory(story, byUid.get(uid) ?? []))];
    },
  };
}

function judgeStory(story: Story, calls: readonly RecordedCall[]): readonly string[] {
  const told = calls.map(({ name, object }) => `${name} ${countOf(object)}`).join(', ');
  const wrong: string[] = [];
  const complain = (what: string): void => void wrong.push(`${story.name}: ${what}; it was told ${told}`);
  const last = calls.at(-1);
  if (story.alive && story.selected) {
    if (last === undefined) complain(`its state ${story.count} was not told`);
    else if (!isState(last) || countOf(last.object) !== story.count) complain(`its last state is ${story.count}`);
  } else if (last !== undefined && isState(last)) complain('its end was not told');
  if (calls.some(({ name }) => name === 'deleted') && story.alive) complain('it was never deleted');
  if (calls.some(({ name }) => name === 'left') && !story.hasLeft) complain('it never left');
  let highest = 0;
  for (const call of calls.filter(isState)) {
    if (countOf(call.object) < highest) complain('an older state came after a newer one');
    highest = Math.max(highest, countOf(call.object));
  }
  return wrong;
}

const isState = ({ name }: RecordedCall): boolean => name === 'added' || name === 'modified';

function countOf(object: RecordedCall['object']): number {
  return Number((object['data'] as { readonly count?: string } | undefined)?.count ?? Number.NaN);
}

/** Numbers from 0 up to 1, the same in each run (mulberry32). */
export function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
