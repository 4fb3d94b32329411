/**
 * Events that somebody who writes a function asked to see: in memory only, the newest few of few functions, and only while
 * it is asked for again and again; forgotten a moment after.
 */
import type { CaughtEvent } from './catch-in-worker.ts';

export interface CaughtEvents {
  /** Goes on catching for a while, and answers what came, the newest first. Undefined: too many functions are looked at. */
  look(functionUid: string, namespaceUid: string): readonly CaughtEvent[] | undefined;
  /** Ends it, and forgets what came. */
  end(functionUid: string): void;
  add(event: CaughtEvent): void;
  /** Functions whose events are wanted now: for a worker that has just started. */
  wanted(): readonly string[];
  close(): void;
}

interface Box {
  readonly namespaceUid: string;
  events: CaughtEvent[];
  until: number;
}

/** Without a question for so long nobody looks any more. */
const patienceMs = 30_000;
const lookMs = 5_000;
const mostFunctions = 16;
/** Nobody takes all the places of others. */
const mostOfNamespace = 4;
const mostEvents = 20;
/** Of one function, bodies and what is known of them. */
const mostBytes = 512 * 1024;

export function createCaughtEvents(options: {
  /** Milliseconds that never step. */
  now(): number;
  /** Calls back again and again; answers what stops it. */
  every(milliseconds: number, callback: () => void): () => void;
  /** Tells the workers which functions' events are wanted. */
  tell(functionUids: readonly string[]): void;
}): CaughtEvents {
  const boxes = new Map<string, Box>();
  const tell = (): void => options.tell([...boxes.keys()]);
  const stop = options.every(lookMs, () => {
    const before = boxes.size;
    for (const [uid, { until }] of boxes) if (until <= options.now()) boxes.delete(uid);
    if (boxes.size !== before) tell();
  });
  return {
    look(functionUid, namespaceUid) {
      const until = options.now() + patienceMs;
      const known = boxes.get(functionUid);
      if (known !== undefined) {
        known.until = until;
        return known.events;
      }
      const places = Map.groupBy(boxes, ([, box]) => box.namespaceUid);
      const own = places.get(namespaceUid)?.length ?? 0;
      if (own >= mostOfNamespace) return undefined;
      if (boxes.size >= mostFunctions) {
        const given = surplusOf([...places.values()], own);
        if (given === undefined) return undefined;
        boxes.delete(given);
      }
      boxes.set(functionUid, { namespaceUid, events: [], until });
      tell();
      return [];
    },
    end(functionUid) {
      if (boxes.delete(functionUid)) tell();
    },
    add(event) {
      const box = boxes.get(event.functionUid);
      if (box === undefined) return;
      let bytes = 0;
      box.events = [event, ...box.events].slice(0, mostEvents).filter((each) => {
        bytes += sizeOf(each);
        return bytes <= mostBytes;
      });
    },
    wanted: () => [...boxes.keys()],
    close() {
      stop();
      boxes.clear();
    },
  };
}

/**
 * All places are taken: whose is given to a namespace that has `own`. The namespace with the most gives the one that was asked
 * for the longest time ago, if it has more than the other would have then; undefined: everybody has their share.
 */
function surplusOf(places: readonly (readonly [string, Box][])[], own: number): string | undefined {
  const most = Math.max(...places.map(({ length }) => length));
  if (most <= own + 1) return undefined;
  const candidates = places.filter(({ length }) => length === most).flat();
  return candidates.toSorted(([, one], [, other]) => one.until - other.until)[0]?.[0];
}

function sizeOf({ body, attributes }: CaughtEvent): number {
  return body.length + JSON.stringify(attributes).length;
}
