/** Finds deliveries by what people have: a delivery's name, an event id, a call id, the sender's delivery id. */
import { isChosen, shownId } from '../../delivery/chosen-id.ts';
import type { DeliveryFilter, DeliveryRow } from '../../store/store.ts';
import { callbackId, callbackType } from '../add-callback.ts';
import { readAttributes } from '../stored-event.ts';
import { deliveryNumber } from './delivery-view.ts';
import type { LiveView } from './live-view.ts';

export interface NamespaceName {
  readonly namespace: string;
  readonly uid: string;
}

/** The one that is named (whether or not something is in it), else all that are asked about. */
export function namespacesOf(view: LiveView, namespace: string | undefined): readonly NamespaceName[] {
  const names = namespace === undefined ? view.namespaces() : [namespace];
  return names.map((name) => ({ namespace: name, uid: view.namespaceUid(name) }));
}

export interface FoundDeliveries extends NamespaceName {
  /** Covers what the id stands for, and nothing else. */
  readonly filter: DeliveryFilter;
  readonly rows: readonly DeliveryRow[];
}

/** Of one event: as many as anybody reads. */
const rowLimit = 1000;
/** Deliveries that are looked through for an id that a publisher chose: ten thousand. */
const mostPages = 10;
/** Of more namespaces at once only ids are found that stand in an index. */
const mostPlaces = 20;

/** One entry per event or delivery that the id stands for. Rows of other namespaces are not there. */
export async function findDeliveries(
  view: LiveView,
  namespace: string | undefined,
  id: string,
): Promise<readonly FoundDeliveries[]> {
  const places = namespacesOf(view, namespace);
  const number = deliveryNumber(id);
  const covered = async (place: NamespaceName, more: Partial<DeliveryFilter>): Promise<FoundDeliveries> => {
    const filter = { namespaceUid: place.uid, ...more };
    return { ...place, filter, rows: await view.store.read(filter, { limit: rowLimit }) };
  };
  const direct = await Promise.all(
    places.map((place) => covered(place, number === undefined ? { eventId: id } : { deliveries: [number] })),
  );
  const found = direct.filter(({ rows }) => rows.length > 0);
  if (found.length > 0 || number !== undefined) return found;
  const records = await view.findRecords({ id, ...(namespace === undefined ? {} : { namespace }) });
  const events = new Map<string, { readonly place: NamespaceName; readonly eventId: string }>();
  for (const { namespace: own, eventId } of records) {
    const place = places.find((each) => each.namespace === own);
    if (place !== undefined && eventId !== undefined) events.set(`${own} ${eventId}`, { place, eventId });
  }
  const indirect = await Promise.all([...events.values()].map(({ place, eventId }) => covered(place, { eventId })));
  const byRecord = indirect.filter(({ rows }) => rows.length > 0);
  if (byRecord.length > 0 || places.length > mostPlaces) return byRecord;
  const stored = await Promise.all(
    places.map(async (place) => {
      // A record names an event as its publisher does.
      const named = [...events.values()].filter((event) => event.place === place).map(({ eventId }) => eventId);
      const ids = await storedIds(view, place.uid, new Set([id, ...named]));
      return [...ids].map((eventId) => ({ place, eventId }));
    }),
  );
  return await Promise.all(stored.flat().map(({ place, eventId }) => covered(place, { eventId })));
}

/** Where the results of these calls were sent, for those that asked for it and have ended. */
export async function findCallbacks(
  view: LiveView,
  found: readonly FoundDeliveries[],
): Promise<readonly FoundDeliveries[]> {
  const places = await Promise.all(
    found.map(async (place) => {
      const [first] = place.rows;
      const event = first && (await view.store.event(place.uid, first.eventId));
      const asked = event === undefined ? undefined : readAttributes(event).callback;
      if (asked === undefined || event?.type === callbackType) return [];
      const called = place.rows.filter(({ destination }) => destination === asked.destination);
      return await Promise.all(
        called.map(async (row) => {
          const filter = { namespaceUid: place.uid, eventId: callbackId(row) };
          return { ...place, filter, rows: await view.store.read(filter, { limit: rowLimit }) };
        }),
      );
    }),
  );
  return places.flat().filter(({ rows }) => rows.length > 0);
}

/**
 * Events that a publisher gave one of these ids are stored under their source as well, and the same id of several sources
 * is several events: they are looked for among the newest deliveries.
 */
async function storedIds(view: LiveView, namespaceUid: string, ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  // The last page ended with this one: numbers fall.
  let after: number | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const more = after === undefined ? {} : { after };
    const rows = await view.store.read({ namespaceUid }, { limit: rowLimit, newestFirst: true, ...more });
    for (const { eventId } of rows) if (isChosen(eventId) && ids.has(shownId(eventId))) found.add(eventId);
    after = rows.at(-1)?.delivery;
    if (rows.length < rowLimit) break;
  }
  return found;
}
