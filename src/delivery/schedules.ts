/** Schedules as due rows in the store: each trigger has its next slot waiting, and remembers the last one it stored. */
import type { AppendItem, DeliveryFilter, KeyValueExpectation, KeyValueWrite, Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';
import {
  hashSchedule,
  planSchedule,
  slotEventId,
  type Plan,
  type SchedulePosition,
  type Slots,
} from './plan-schedule.ts';

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
  /**
   * The whole set: new ones are planned, edited ones start from now, missing ones end with what waits of them. `resting`:
   * destinations of those that are there, but may not run now: they miss slots, those that are gone do not.
   */
  set(triggers: readonly ScheduledTrigger[], resting?: ReadonlySet<string>): Promise<void>;
  nextScheduleTime(destination: string): number | undefined;
  stop(): void;
}

interface Active {
  trigger: ScheduledTrigger;
  readonly hash: string;
  next: number | undefined;
  starting: boolean;
  stop(): void;
}

interface Stored {
  readonly position: SchedulePosition | undefined;
  /** Nobody has written since. */
  readonly expected: KeyValueExpectation;
}

const everything = { limit: 1000 };

/** Timers wait at most this long, so that a step of the wall clock is noticed. */
const longestTimerMs = 60_000;
const retryMs = 5_000;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function createSchedules({ store, now, after, onError }: SchedulesSettings): Schedules {
  const active = new Map<string, Active>();
  let stopped = false;
  let setting = Promise.resolve();

  const scopeOf = ({ namespaceUid }: ScheduledTrigger): KeyValueScope => ({ namespaceUid, space: '.schedules' });

  async function read(trigger: ScheduledTrigger): Promise<Stored> {
    const scope = scopeOf(trigger);
    const found = await store.get(scope, trigger.destination);
    return {
      position: found === undefined ? undefined : (JSON.parse(decoder.decode(found.value)) as SchedulePosition),
      expected: { scope, key: trigger.destination, version: found?.version ?? 0 },
    };
  }

  function write({ scope, key }: Stored['expected'], position: SchedulePosition): KeyValueWrite {
    return { scope, key, change: { kind: 'set', value: encoder.encode(JSON.stringify(position)) }, owed: true };
  }

  async function plan(entry: Active): Promise<void> {
    // Several processes plan at once: whoever was not first looks at what the first one stored.
    let next: number | undefined | 'again';
    do next = await planOnce(entry);
    while (next === 'again');
    entry.starting = false;
    entry.next = next;
    if (active.get(entry.trigger.destination) === entry && !stopped) arm(entry);
  }

  async function planOnce({ trigger, hash, starting }: Active): Promise<number | undefined | 'again'> {
    const { position, expected } = await read(trigger);
    const { slots, missed, destination } = trigger;
    const planned = planSchedule(slots, { hash, missed, starting }, position, now());
    if (position !== undefined && planned.drop !== undefined)
      await dropSlot(trigger, slotEventId(destination, position, planned.drop));
    const edited = position !== undefined && position.hash !== hash;
    const former = edited ? await store.read({ ...waitingOf(trigger), states: ['waiting', 'held'] }, everything) : [];
    if (JSON.stringify(planned.position) !== JSON.stringify(position)) {
      const append = planned.fire.map((fired) => slotItem(trigger, planned.position, fired));
      const writes = [write(expected, planned.position)];
      if ((await store.appendIf({ append, writes, expectations: [expected] })) === 'conflict') return 'again';
    }
    // Stored before the one of now: whoever edits as well must not cancel that.
    if (former.length > 0)
      await store.cancel({ ...waitingOf(trigger), deliveries: former.map(({ delivery }) => delivery) });
    return planned.next;
  }

  /** What waits of a trigger that is gone or rests ends. Where it is there again its slots are to come again, too. */
  async function leave(trigger: ScheduledTrigger, rests: boolean): Promise<void> {
    await store.cancel(waitingOf(trigger));
    for (;;) {
      const { position, expected } = await read(trigger);
      if (position === undefined) return;
      const since = now();
      const gone = rests ? {} : { gone: since };
      const left = write(expected, { ...position, slot: Math.min(position.slot, since), since, ...gone });
      if ((await store.write([left], [expected])).kind === 'ok') return;
    }
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

  async function setNow(triggers: readonly ScheduledTrigger[], resting: ReadonlySet<string>): Promise<void> {
    const wanted = new Map(triggers.map((trigger) => [trigger.destination, trigger]));
    const work: Promise<unknown>[] = [];
    for (const [destination, entry] of active) {
      const trigger = wanted.get(destination);
      if (trigger !== undefined && hashOf(trigger) === entry.hash) {
        // What the stored slot does not hold counts from the next one on.
        entry.trigger = { ...trigger, slots: entry.trigger.slots };
        continue;
      }
      entry.stop();
      active.delete(destination);
      if (trigger === undefined) work.push(leave(entry.trigger, resting.has(destination)));
    }
    for (const [destination, trigger] of wanted) {
      if (active.has(destination)) continue;
      const entry: Active = {
        trigger,
        hash: hashOf(trigger),
        next: undefined,
        starting: true,
        stop: () => undefined,
      };
      active.set(destination, entry);
      work.push(planOrRetry(entry));
    }
    await Promise.all(work);
  }

  const waitingOf = ({ namespaceUid, destination }: ScheduledTrigger): DeliveryFilter => ({
    namespaceUid,
    destination,
  });

  return {
    set(triggers, resting = new Set()) {
      // One after the other: what leaves has left before it comes again.
      setting = setting.catch(() => undefined).then(() => setNow(triggers, resting));
      return setting;
    },
    nextScheduleTime: (destination) => active.get(destination)?.next,
    stop() {
      stopped = true;
      for (const entry of active.values()) entry.stop();
    },
  };
}

const hashOf = ({ cron, timeZone, data }: ScheduledTrigger): string => hashSchedule(cron, timeZone, data);

function slotItem(
  { namespaceUid, namespace, functionName, trigger, destination, serial, data }: ScheduledTrigger,
  position: SchedulePosition,
  { slot, delayMs }: Plan['fire'][number],
): AppendItem {
  return {
    event: {
      id: slotEventId(destination, position, slot),
      namespaceUid,
      type: 'dev.moonhook.schedule.tick',
      source: `/namespaces/${namespace}/functions/${functionName}/${trigger}`,
      attributes: JSON.stringify({ name: 'tick', scheduledTime: new Date(slot).toISOString() }),
      body: encoder.encode(JSON.stringify(data ?? {})),
    },
    deliveries: [{ destination, delayMs, ...(serial ? { orderKey: 'schedule' } : {}) }],
    owed: true,
  };
}
