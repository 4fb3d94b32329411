/** Deliveries as lines for people. */
import { formatAge } from './output.ts';

/** The part of a delivery that lines are made of; it comes as JSON. */
export type PlainDelivery = {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly creationTimestamp: string };
  readonly event: { readonly id: string; readonly type: string };
  readonly to: PlainAddressee;
  readonly state: string;
  readonly generation: number;
  readonly attempts: number;
  readonly due?: string;
  readonly ended?: string;
  readonly reason?: string;
  readonly error?: string;
  readonly waitsFor?: string;
};

export interface PlainAddressee {
  readonly kind: string;
  readonly name: string;
  readonly trigger?: string;
  readonly handler?: string;
}

export const deliveryHeader = ['DELIVERY', 'TO', 'STATE', 'ATTEMPTS', 'AGE', 'NEXT', 'TYPE', 'WHY'] as const;
export const wideDeliveryHeader = [...deliveryHeader.slice(0, -1), 'EVENT', 'GENERATION', 'ENDED', 'WHY'] as const;

const shownError = 80;

/** How much a row shows: on a terminal a long error is cut, elsewhere nothing is; a wide one has more columns. */
export type RowWidth = 'terminal' | 'whole' | 'wide';

/** One row of the table. */
export function deliveryRow(delivery: PlainDelivery, now: number, width: RowWidth): readonly string[] {
  const { metadata, event, to, state, attempts, due, ended, generation } = delivery;
  const age = formatAge(now - Date.parse(metadata.creationTimestamp));
  const next = due === undefined ? '-' : Date.parse(due) <= now ? 'now' : `in ${formatAge(Date.parse(due) - now)}`;
  const why = whyOf(delivery);
  const first = [metadata.name, addressee(metadata.namespace, to), state, String(attempts), age, next, event.type];
  if (width === 'wide') return [...first, event.id, String(generation), ended ?? '-', why];
  return [...first, width === 'terminal' && why.length > shownError ? `${why.slice(0, shownError - 1)}…` : why];
}

/** `team-a/deploy push`, `whs/team-a/orders`. */
export function addressee(namespace: string, { kind, name, trigger, handler }: PlainAddressee): string {
  if (kind === 'WebhookSubscription') return `whs/${namespace}/${name}`;
  if (kind === 'Callback') return `${namespace}/${name} callback`;
  return `${namespace}/${name} ${trigger ?? handler ?? ''}`.trimEnd();
}

function whyOf({ state, waitsFor, reason, error }: PlainDelivery): string {
  if (waitsFor !== undefined) return waitsFor;
  const said = (error ?? '').replaceAll(/\s+/g, ' ');
  return state === 'dead' ? [reason, said].filter((part) => part !== undefined && part !== '').join(': ') : said;
}

/** What a replay or a cancellation covers, as the run tells it. */
export type PlainCoverage = {
  readonly count: number;
  /** False: there are more. */
  readonly exact: boolean;
  readonly destinations: Parameters<typeof coverageLines>[1];
};

export function countOf({ count, exact }: PlainCoverage): string {
  return `${exact ? '' : 'more than '}${count} ${count === 1 ? 'delivery' : 'deliveries'}`;
}

/** What a replay or a cancellation covers, one line for each destination. */
export function coverageLines(
  namespace: string,
  destinations: readonly { readonly to: PlainAddressee; readonly count: number; readonly waitsFor?: string }[],
): readonly string[] {
  return destinations
    .toSorted((one, other) => other.count - one.count)
    .map(({ to, count, waitsFor }) => {
      const wait = waitsFor === undefined ? '' : ` (they will wait: ${waitsFor})`;
      return `  ${count} to ${addressee(namespace, to)}${wait}`;
    });
}
