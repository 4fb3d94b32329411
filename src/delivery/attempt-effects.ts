/**
 * What an asynchronous attempt does inside the platform: collected while it runs, written with its settle or not at all.
 * Each event that drains has one: methods of a class, where closures would be dozens of objects for each.
 */
import { createHash } from 'node:crypto';
import type { AppendItem, Lease, SettleItem, Store, StoredEvent } from '../store/store.ts';
import type { EventBus, LaterItem, LaterQueue, PublishedEvent } from '../store/types.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { AttemptKeyValue } from './attempt-key-value.ts';
import { shownId } from './chosen-id.ts';
import { mostAtOnce } from './fan-out.ts';
import { laterItem, laterFilter, type LaterTarget } from './later.ts';
import { publishedItem, type MatchDestinations, type Matched, type PreparedItem } from './publish.ts';

export interface AttemptEffectsSettings {
  readonly store: Store;
  readonly lease: Lease;
  readonly match: MatchDestinations;
  /** Where `later` of a function goes; undefined: no such function. */
  readonly target: LaterTarget;
  /** How many events may descend from this attempt. */
  readonly budget: number;
}

interface Child {
  readonly id: string;
  readonly key?: string;
  readonly item: PreparedItem;
}

export class AttemptEffects implements LaterQueue, EventBus {
  readonly keyValue: AttemptKeyValue;
  readonly #settings: AttemptEffectsSettings;
  readonly #children: Child[] = [];
  #taken = 0;
  #index = 0;
  /** Deliveries that the settle will write together. */
  #together = 0;

  constructor(settings: AttemptEffectsSettings) {
    this.#settings = settings;
    this.keyValue = new AttemptKeyValue(settings.store, settings.lease);
  }

  get durable(): boolean {
    return this.#settings.store.durable;
  }

  async enqueue(item: LaterItem): Promise<string> {
    const { target } = this.#settings;
    const id = this.#childId();
    const { key } = item;
    const child = (share: number): AppendItem => laterItem(item, id, target(item), share);
    this.#children.push({ id, item: child, ...(key === undefined ? {} : { key }) });
    return id;
  }

  async cancel(namespaceUid: string, functionName: string, idOrKey: string): Promise<boolean> {
    const { store } = this.#settings;
    const own = this.#children.findIndex(({ id, key }) => id === idOrKey || key === idOrKey);
    if (own >= 0) this.#children.splice(own, 1);
    const cancelled = await Promise.all(
      laterFilter(namespaceUid, functionName, idOrKey).map((filter) => store.cancel(filter)),
    );
    return own >= 0 || cancelled.some((count) => count > 0);
  }

  async publish(event: PublishedEvent): Promise<string> {
    const item = await publishedItem(
      event,
      () => this.#childId(),
      (stored) => this.#matchTogether(stored),
    );
    const { id } = item(0).event;
    this.#children.push({ id, item });
    return shownId(id);
  }

  /** Takes one of the events that may descend from this attempt; undefined: used up. Its share is known in the end. */
  take(): number | undefined {
    if (this.#taken >= this.#settings.budget) return undefined;
    this.#taken += 1;
    return 0;
  }

  /** What the settle carries. */
  collect(): Required<Pick<SettleItem, 'append' | 'writes' | 'expectations'>> {
    const share = shareBudget(this.#settings.budget, this.#children.length);
    return { append: this.#children.map(({ item }) => item(share)), ...this.keyValue.collect() };
  }

  /** The same attempt of the same delivery names its children alike, so a repeated settle makes no second set. */
  #childId(): string {
    const { event, destination, generation } = this.#settings.lease;
    const parts = JSON.stringify([event.namespaceUid, event.id, destination, generation, this.#index++]);
    return createHash('sha256').update(parts).digest('hex').slice(0, 32);
  }

  async #matchTogether(event: StoredEvent): Promise<Matched> {
    const { match } = this.#settings;
    let matched = await match(event, mostAtOnce - this.#together);
    // Others of this attempt were matched meanwhile.
    if (this.#together + matched.deliveries.length > mostAtOnce) matched = await match(event, 0);
    this.#together += matched.deliveries.length;
    return matched;
  }
}
