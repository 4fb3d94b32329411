/** Deliveries as resources of `run.moonhook.dev`, and their part of a story in lines. Pure. */
import type { RouteTable } from '../../routing/types.ts';
import { crashLimit, isEnded, type DeliveryRow } from '../../store/store.ts';
import type { Resting } from '../why-resting.ts';
import { addresseeOf, describeAddressee, whyNotServed, type Addressee } from './destination-view.ts';

export const runApiVersion = 'run.moonhook.dev/v1alpha1';

/** One delivery, as `-o json` prints it. */
export interface DeliveryView {
  readonly apiVersion: typeof runApiVersion;
  readonly kind: 'Delivery';
  /** `creationTimestamp`: the time of the event. */
  readonly metadata: { readonly name: string; readonly namespace: string; readonly creationTimestamp: string };
  readonly event: { readonly id: string; readonly type: string };
  readonly to: Addressee;
  readonly state: DeliveryRow['state'];
  /** 0, or the number of the replay that made it. */
  readonly generation: number;
  readonly attempts: number;
  /** What counts against it of the deaths of its processes. */
  readonly crashes: number;
  /** Not before: of one that waits. */
  readonly due?: string;
  readonly ended?: string;
  readonly orderKey?: string;
  /** Of a dead one. */
  readonly reason?: string;
  /** Of the last attempt that failed. */
  readonly error?: string;
  /** Why it does not run although it waits. */
  readonly waitsFor?: string;
  /** The delivery of a later replay of the same event to the same destination. */
  readonly replayedAs?: string;
}

const namePrefix = 'dlv-';

/** `dlv-12`: a sender's own id may be a number, too. */
export const deliveryName = (delivery: number): string => `${namePrefix}${delivery}`;

/** The number in a delivery's name; undefined: it is not one. */
export function deliveryNumber(name: string): number | undefined {
  const digits = name.startsWith(namePrefix) ? name.slice(namePrefix.length) : '';
  return /^[1-9][0-9]{0,14}$/.test(digits) ? Number(digits) : undefined;
}

export function viewDelivery(
  row: DeliveryRow,
  namespace: string,
  table: RouteTable,
  resting: Resting = nothingRests,
): DeliveryView {
  const { delivery, eventId, type, state, generation, attempts, crashes, due, ended, orderKey, reason, error } = row;
  const to = addresseeOf(row.destination);
  const waitsFor = whyItWaits(row, to, table, resting);
  return {
    apiVersion: runApiVersion,
    kind: 'Delivery',
    metadata: { name: deliveryName(delivery), namespace, creationTimestamp: time(row.time) },
    event: { id: eventId, type },
    to,
    state,
    generation,
    attempts,
    crashes,
    ...(isEnded(state) || state === 'leased' ? {} : { due: time(due) }),
    ...(ended === undefined ? {} : { ended: time(ended) }),
    ...(orderKey === undefined ? {} : { orderKey }),
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined || error === '' ? {} : { error }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
  };
}

/** Of one that is neither due nor served, the words of the table; of one that is due, those of the threads. */
function whyItWaits(row: DeliveryRow, to: Addressee, table: RouteTable, resting: Resting): string | undefined {
  if (row.state === 'held') return 'an older one of the same order key has not ended';
  if (row.state === 'leased') return resting.turns.includes(row.delivery) ? 'its turn: limits hold it back' : undefined;
  if (row.state !== 'waiting') return undefined;
  return whyNotServed(table, row.namespaceUid, to) ?? resting.reasons[row.destination];
}

export const nothingRests: Resting = { reasons: {}, turns: [] };

/** All deliveries of one event, each with what followed it. */
export function viewEvent(
  rows: readonly DeliveryRow[],
  namespace: string,
  table: RouteTable,
  resting?: Resting,
): readonly DeliveryView[] {
  return rows.map((row) => {
    const next = rows
      .filter((each) => each.destination === row.destination && each.generation > row.generation)
      .toSorted((one, other) => one.generation - other.generation)[0];
    const view = viewDelivery(row, namespace, table, resting);
    return next === undefined ? view : { ...view, replayedAs: deliveryName(next.delivery) };
  });
}

/** What became of an event at one destination, and what can be done about it. */
export function tellDelivery(delivery: DeliveryView, now: number): readonly string[] {
  const { metadata, to, state, attempts, crashes, due, ended, reason, error, waitsFor, generation, replayedAs } =
    delivery;
  const replayed = generation === 0 ? '' : `, replay ${generation}`;
  const lines = [
    `delivery ${metadata.name} to ${describeAddressee(metadata.namespace, to)}${replayed}: ${standing(delivery)}`,
  ];
  const tried = attempts === 0 ? 'not tried yet' : attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  lines.push(
    `  ${tried}${crashes === 0 ? '' : `, deaths of its process count ${crashes} of ${crashLimit} against it`}`,
  );
  if (error !== undefined) lines.push(`  ${state === 'dead' ? `${reason ?? 'dead'}: ` : 'last error: '}${error}`);
  if (state === 'waiting' && waitsFor === undefined && due !== undefined) {
    const inMs = Date.parse(due) - now;
    lines.push(inMs <= 0 ? '  due now' : `  due at ${due}, in ${(inMs / 1000).toFixed(inMs < 10_000 ? 1 : 0)} s`);
  }
  if (waitsFor !== undefined) lines.push(`  waits: ${waitsFor}`);
  const rule = ownRules[state];
  if (rule !== undefined) lines.push(`  ${rule}`);
  if (ended !== undefined) lines.push(`  ended ${state} at ${ended}`);
  if (replayedAs !== undefined) lines.push(`  was run again as ${replayedAs}`);
  else if (state === 'dead' || state === 'cancelled') {
    lines.push(`  run it again: moonhook replay ${metadata.name} -n ${metadata.namespace}`);
  }
  return lines;
}

/** How an event ends without having run, by a rule of its own function; which one, the record of its attempt says. */
const ownRules: Partial<Record<DeliveryView['state'], string>> = {
  filtered: 'turned away by the filter, or as a repetition that dedup knows',
  superseded: 'a newer event of its key, or a later slot of its schedule, took its place',
};

function standing({ state, waitsFor }: DeliveryView): string {
  if (state === 'leased') return waitsFor === undefined ? 'running' : 'about to run';
  return state;
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();
