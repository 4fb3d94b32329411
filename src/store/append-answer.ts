/** Answers of appends travel without what whoever appends has: the events that were leased, and that nothing was special. */
import type { StoreAnswer } from './sqlite-thread.ts';
import type { AppendItem, Appended, Lease } from './store.ts';

export interface AppendedAway extends Omit<Appended, 'leased'> {
  readonly leased: readonly (Omit<Lease, 'event'> & Partial<Pick<Lease, 'event'>>)[];
}

export function appendAnswer(id: number, items: readonly AppendItem[], appended: readonly Appended[]): StoreAnswer {
  const isKnown = appended.every((each, index) => isOrdinary(each) && each.id === items[index]?.event.id);
  return isKnown ? { kept: [id] } : { id, value: withoutEvents(items, appended) };
}

/** What was kept one after the other is told as one. */
export function addAnswer(answers: StoreAnswer[], answer: StoreAnswer): void {
  const last = answers.at(-1);
  if ('kept' in answer && last !== undefined && 'kept' in last) last.kept.push(...answer.kept);
  else answers.push(answer);
}

/** The answer of an append that was only said to be kept. */
export function keptAnswer(items: readonly AppendItem[]): readonly Appended[] {
  return items.map(({ event: { id } }) => ({ id, leased: [] }));
}

/** Stored under its own id, and nothing else. */
const isOrdinary = ({ duplicateOf, generation, leased }: Appended): boolean =>
  duplicateOf === undefined && generation === undefined && leased.length === 0;

function withoutEvents(items: readonly AppendItem[], appended: readonly Appended[]): readonly AppendedAway[] {
  if (!appended.some(isLeased)) return appended;
  return appended.map((each, index) => {
    const own = items[index]?.event;
    const leased = each.leased.map(({ event, ...lease }) => (event === own ? lease : { ...lease, event }));
    return { ...each, leased };
  });
}

export function withEvents(items: readonly AppendItem[], appended: readonly AppendedAway[]): readonly Appended[] {
  // Then they are whole as they are.
  if (!appended.some(isLeased)) return appended as readonly Appended[];
  return appended.map((each, index) => {
    const own = items[index]?.event;
    const leased = each.leased.flatMap((lease) => {
      const event = lease.event ?? own;
      return event === undefined ? [] : [{ ...lease, event }];
    });
    return { ...each, leased };
  });
}

const isLeased = ({ leased }: AppendedAway): boolean => leased.length > 0;
