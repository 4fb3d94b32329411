/**
 * Appends on their way to the store's thread, those of one turn in three parts: numbers, texts, and all bodies in one buffer
 * that is handed over. A message of objects names each member of each item, and clones the memory each body lies in.
 */
import type { StoreMessage, StoreRequest } from './sqlite-thread.ts';
import type { AppendItem, DuplicateKey, NewDelivery, StoredEvent } from './store.ts';

/** Appends that were asked for one after the other. */
export interface PackedAppends {
  readonly numbers: Float64Array;
  readonly texts: readonly string[];
  readonly bodies: Uint8Array<ArrayBuffer>;
  /** Deliveries of items that are not just wanted somewhere, at once or leased. */
  readonly deliveries: readonly (readonly NewDelivery[])[];
}

/** One of them, as it was asked for. */
interface UnpackedAppend {
  readonly id: number;
  readonly items: readonly AppendItem[];
}

const isKnown = 1;
const isOwed = 2;
const hasTime = 4;
const hasDuplicate = 8;
const isRerun = 16;
/** One delivery, to be leased eagerly or when its turn comes. */
const isPlain = 32;
const isEager = 64;
const hasOneBody = 128;

export class AppendPacker {
  #numbers: number[] = [];
  #texts: string[] = [];
  #bodies: Uint8Array[] = [];
  #bytes = 0;
  #deliveries: (readonly NewDelivery[])[] = [];
  /** Places of texts that the next item may have again: they are written once. */
  #namespaceUid = -1;
  #type = -1;
  #source = -1;
  #destination = -1;
  #endpoint = -1;

  get isEmpty(): boolean {
    return this.#numbers.length === 0;
  }

  /** What it throws for leaves nothing behind. */
  add(id: number, items: readonly AppendItem[]): void {
    const [numbers, bodies, bytes, deliveries] = [
      this.#numbers.length,
      this.#bodies.length,
      this.#bytes,
      this.#deliveries.length,
    ];
    try {
      this.#numbers.push(id, items.length);
      for (const item of items) this.#addItem(item);
    } catch (error) {
      this.#numbers.length = numbers;
      this.#bodies.length = bodies;
      this.#bytes = bytes;
      this.#deliveries.length = deliveries;
      throw error;
    }
  }

  /** Everything since the last time. */
  take(): PackedAppends {
    const bodies = Buffer.allocUnsafeSlow(this.#bytes);
    let at = 0;
    for (const body of this.#bodies) {
      bodies.set(body, at);
      at += body.length;
    }
    const numbers = Float64Array.from(this.#numbers);
    const packed = { numbers, texts: this.#texts, bodies, deliveries: this.#deliveries };
    this.#numbers = [];
    this.#texts = [];
    this.#bodies = [];
    this.#bytes = 0;
    this.#deliveries = [];
    this.#namespaceUid = this.#type = this.#source = this.#destination = this.#endpoint = -1;
    return packed;
  }

  #addItem({ event, deliveries, duplicate, known, owed }: AppendItem): void {
    const [delivery] = deliveries;
    const plain = deliveries.length === 1 && delivery !== undefined && isPlainDelivery(delivery) ? delivery : undefined;
    const { time, body } = event;
    this.#numbers.push(
      (known === true ? isKnown : 0) |
        (owed === true ? isOwed : 0) |
        (time === undefined ? 0 : hasTime) |
        (duplicate === undefined ? 0 : hasDuplicate) |
        (duplicate?.rerun === true ? isRerun : 0) |
        (duplicate?.oneBody === true ? hasOneBody : 0) |
        (plain === undefined ? 0 : isPlain) |
        (plain?.eagerMs === undefined ? 0 : isEager),
      this.#own(event.id),
      (this.#namespaceUid = this.#again(this.#namespaceUid, event.namespaceUid)),
      (this.#type = this.#again(this.#type, event.type)),
      (this.#source = this.#again(this.#source, event.source)),
      this.#own(event.attributes),
      body.length,
    );
    if (time !== undefined) this.#numbers.push(time);
    if (plain === undefined) this.#deliveries.push(deliveries);
    else {
      this.#numbers.push((this.#destination = this.#again(this.#destination, plain.destination)));
      if (plain.eagerMs !== undefined) this.#numbers.push(plain.eagerMs);
    }
    if (duplicate !== undefined) {
      this.#endpoint = this.#again(this.#endpoint, duplicate.endpoint);
      this.#numbers.push(this.#endpoint, this.#own(duplicate.key), duplicate.windowMs);
    }
    this.#bodies.push(body);
    this.#bytes += body.length;
  }

  #own(text: string): number {
    return this.#texts.push(text) - 1;
  }

  #again(before: number, text: string): number {
    return this.#texts[before] === text ? before : this.#own(text);
  }
}

function isPlainDelivery(delivery: NewDelivery): boolean {
  for (const name in delivery) if (name !== 'destination' && name !== 'eagerMs') return false;
  return true;
}

/** What a message asks for, as if each append had come as an object. */
export function requestsOf(message: StoreMessage): readonly StoreRequest[] {
  return message.flatMap((part) =>
    'operation' in part
      ? [part]
      : unpackAppends(part).map(({ id, items }): StoreRequest => ({ id, operation: 'append', arguments: [items] })),
  );
}

/** The appends in the order in which they were asked for. */
function unpackAppends({ numbers, texts, bodies, deliveries }: PackedAppends): readonly UnpackedAppend[] {
  const appends: UnpackedAppend[] = [];
  let [at, from, others] = [0, 0, 0];
  const number = (): number => numbers[at++] as number;
  const text = (): string => texts[number()] as string;

  function readItem(): AppendItem {
    const flags = number();
    const id = text();
    const namespaceUid = text();
    const type = text();
    const source = text();
    const attributes = text();
    const length = number();
    const body = bodies.subarray(from, (from += length));
    const event: StoredEvent =
      (flags & hasTime) === 0
        ? { id, namespaceUid, type, source, attributes, body }
        : { id, namespaceUid, type, source, time: number(), attributes, body };
    const wanted = (flags & isPlain) === 0 ? (deliveries[others++] as readonly NewDelivery[]) : [readDelivery(flags)];
    const item: Draft<AppendItem> = { event, deliveries: wanted };
    if ((flags & hasDuplicate) !== 0) item.duplicate = readDuplicate(flags);
    if ((flags & isKnown) !== 0) item.known = true;
    if ((flags & isOwed) !== 0) item.owed = true;
    return item;
  }

  function readDelivery(flags: number): NewDelivery {
    const destination = text();
    return (flags & isEager) === 0 ? { destination } : { destination, eagerMs: number() };
  }

  function readDuplicate(flags: number): DuplicateKey {
    const endpoint = text();
    const key = text();
    const duplicate: Draft<DuplicateKey> = { endpoint, key, windowMs: number() };
    if ((flags & isRerun) !== 0) duplicate.rerun = true;
    if ((flags & hasOneBody) !== 0) duplicate.oneBody = true;
    return duplicate;
  }

  while (at < numbers.length) {
    const id = number();
    const count = number();
    const items: AppendItem[] = [];
    for (let each = 0; each < count; each += 1) items.push(readItem());
    appends.push({ id, items });
  }
  return appends;
}

type Draft<Made> = { -readonly [Key in keyof Made]: Made[Key] };
