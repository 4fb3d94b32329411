/** Schedules as due rows in the store: each trigger has its next slot waiting, and remembers the last one it stored. */
import type { DeliveryFilter, Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';
import { hashSchedule, planSchedule, slotEventId, type SchedulePosition, type Slots } from './plan-schedule.ts';

export interface ScheduledTrigger {
  readonly namespaceUid: string;
  readonly namespace: string;
  readonly functionName: string;
  readonly trigger: string;
  /** As `formatDestination` gives it. */
  readonly destination: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly slots: Slots;
  readonly missed: 'RunOnce' | 'Skip';
  /** Not `Allow`: one run at a time. */
  readonly serial: boolean;
  readonly data: unknown;
}

export interface SchedulesSettings {
  readonly store: Store;
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  after(milliseconds: number, callback: () => void): () => void;
  onError(error: Error): void;
}

export interface Schedules {
  /** The whole set: new ones are planned, edited ones start from now, missing ones end with what waits of them. */
  set(triggers: readonly ScheduledTrigger[]): Promise<void>;
  nextScheduleTime(destination: string): number | undefined;
  stop(): void;
}

interface Active {
  readonly trigger: ScheduledTrigger;
  readonly hash: string;
  next: number | undefined;
  starting: boolean;
  stop(): void;
}

/** Timers wait at most this long, so that a step of the wall clock is noticed. */
const longestTimerMs = 60_000;
const retryMs = 5_000;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function createSchedules({ store, now, after, onError }: SchedulesSettings): Schedules {
  const active = new Map<string, Active>();
  let stopped = false;

  const scopeOf = ({ namespaceUid }: ScheduledTrigger): KeyValueScope => ({ namespaceUid, space: '.schedules' });

  async function plan(entry: Active): Promise<void> {
    const { trigger, hash } = entry;
    const scope = scopeOf(trigger);
    const stored = await store.get(scope, trigger.destination);
    const position = stored === undefined ? undefined : (JSON.parse(decoder.decode(stored.value)) as SchedulePosition);
    const planned = planSchedule(
      trigger.slots,
      { hash, missed: trigger.missed, starting: entry.starting },
      position,
      now(),
    );
    if (planned.drop !== undefined) await dropSlot(trigger, slotEventId(trigger.destination, hash, planned.drop));
    if (position !== undefined && position.hash !== hash) await store.cancel(waitingOf(trigger));
    await store.append(
      planned.fire.map(({ slot, delayMs }) => ({
        event: {
          id: slotEventId(trigger.destination, hash, slot),
          namespaceUid: trigger.namespaceUid,
          type: 'dev.moonhook.schedule.tick',
          source: `/namespaces/${trigger.namespace}/functions/${trigger.functionName}/${trigger.trigger}`,
          attributes: JSON.stringify({ name: 'tick', scheduledTime: new Date(slot).toISOString() }),
          body: encoder.encode(JSON.stringify(trigger.data ?? {})),
        },
        deliveries: [
          { destination: trigger.destination, delayMs, ...(trigger.serial ? { orderKey: 'schedule' } : {}) },
        ],
        owed: true,
      })),
    );
    if (planned.position.slot !== position?.slot || planned.position.hash !== position.hash) {
      const value = encoder.encode(JSON.stringify(planned.position));
      await store.write([{ scope, key: trigger.destination, change: { kind: 'set', value }, owed: true }], []);
    }
    entry.starting = false;
    entry.next = planned.next;
    if (active.get(trigger.destination) === entry && !stopped) arm(entry);
  }

  /** Only if it has not been tried: a run that failed and waits for its retry was not missed. */
  async function dropSlot({ namespaceUid, destination }: ScheduledTrigger, eventId: string): Promise<void> {
    const filter: DeliveryFilter = { namespaceUid, destination, eventId, states: ['waiting'] };
    const [row] = await store.read(filter, { limit: 1 });
    if (row?.attempts === 0 && row.crashes === 0) await store.cancel(filter);
  }

  function arm(entry: Active): void {
    if (entry.next === undefined) return;
    const wait = Math.min(Math.max(1, entry.next - now()), longestTimerMs);
    entry.stop = after(wait, () => void planOrRetry(entry));
  }

  /** A store that cannot take the next slot now (no space, away) is asked again: no schedule ends with one failure. */
  async function planOrRetry(entry: Active): Promise<void> {
    try {
      await plan(entry);
    } catch (error) {
      onError(error as Error);
      if (active.get(entry.trigger.destination) === entry && !stopped)
        entry.stop = after(retryMs, () => void planOrRetry(entry));
    }
  }

  const waitingOf = ({ namespaceUid, destination }: ScheduledTrigger): DeliveryFilter => ({
    namespaceUid,
    destination,
  });

  return {
    async set(triggers) {
      const wanted = new Map(triggers.map((trigger) => [trigger.destination, trigger]));
      const work: Promise<unknown>[] = [];
      for (const [destination, entry] of active) {
        const trigger = wanted.get(destination);
        if (trigger !== undefined && hashSchedule(trigger.cron, trigger.timeZone) === entry.hash) continue;
        entry.stop();
        active.delete(destination);
        if (trigger === undefined) work.push(store.cancel(waitingOf(entry.trigger)));
      }
      for (const [destination, trigger] of wanted) {
        if (active.has(destination)) continue;
        const hash = hashSchedule(trigger.cron, trigger.timeZone);
        const entry: Active = { trigger, hash, next: undefined, starting: true, stop: () => undefined };
        active.set(destination, entry);
        work.push(planOrRetry(entry));
      }
      await Promise.all(work);
    },
    nextScheduleTime: (destination) => active.get(destination)?.next,
    stop() {
      stopped = true;
      for (const entry of active.values()) entry.stop();
    },
  };
}
