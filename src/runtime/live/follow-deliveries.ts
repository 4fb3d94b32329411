/**
 * Deliveries as they change, for somebody who asks again and again: what a list answered is remembered for a while, and the
 * newest ones are compared with it. A delivery has no version that a question could go on from.
 */
import { createHash } from 'node:crypto';
import type { LiveAnswer } from '../../link/live-questions.ts';
import { crowdedSessions } from './crowded-sessions.ts';
import { listDeliveries, type DeliveryQuery } from './delivery-answers.ts';
import { deliveryNumber, type DeliveryView } from './delivery-view.ts';
import { goneDelivery } from './gone-delivery.ts';
import type { LiveView } from './live-view.ts';
import { createTurns } from './look-turns.ts';

export interface DeliveryQuestion {
  readonly view: LiveView;
  /** Name and UID; undefined: all of them, which share the places of none. */
  readonly namespace: { readonly name: string; readonly uid: string } | undefined;
  readonly query: DeliveryQuery;
  /** Of the one who asks: under this number it is remembered. */
  readonly snapshot: string;
}

export interface ChangesQuestion extends DeliveryQuestion {
  /** The change that the asker has seen last, and the number that the next ones get. */
  readonly from: number;
  readonly to: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** `gone`: why nothing can be told from there on; who asks has to list anew. */
export interface DeliveryChanges {
  readonly events: readonly { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: object }[];
  readonly gone?: string;
}

export interface DeliveryFollows {
  /** Lists, and remembers what it answers. */
  list(question: DeliveryQuestion): Promise<LiveAnswer>;
  /** What became different; waits for the first change. */
  changes(question: ChangesQuestion): Promise<DeliveryChanges>;
  close(): void;
}

/** What was told of the newest: by namespace and number a mark of what it looked like. */
interface Snapshot {
  readonly marks: ReadonlyMap<string, number>;
  /** Older ones are not followed. */
  readonly floor: number;
  readonly newest: number;
}

interface Session {
  readonly namespaceUid: string;
  readonly asked: string;
  known: Snapshot;
  /** Number of the last changes; 0: none since the list. */
  changed: number;
  /** Grows with each question: only the last one is answered. */
  turn: number;
  waits: boolean;
  forget: () => void;
}

/** Nobody asked for so long: it is forgotten. */
const keptMs = 60_000;
const longestWaitMs = 30_000;
/** Between two looks of one follower. */
const lookMs = 1_000;
/** That are followed: what one answer holds. */
const mostFollowed = 1_000;

export function createDeliveryFollows(options: {
  after(milliseconds: number, callback: () => void): () => void;
  /** Monotonic milliseconds. */
  now(): number;
}): DeliveryFollows {
  const { after, now } = options;
  const sessions = new Map<string, Session>();
  const turns = createTurns({ after, now });

  const askedBy = ({ namespace, query }: DeliveryQuestion): string => {
    const { limit: _limit, after: _after, ...selection } = query;
    return JSON.stringify([namespace?.uid ?? '', selection]);
  };

  function remember(question: DeliveryQuestion, page: Page): void {
    const { snapshot, namespace } = question;
    // What was remembered first is older: it tells more, never less.
    if (sessions.has(snapshot)) return;
    const namespaceUid = namespace?.uid ?? '';
    makeRoom(namespaceUid);
    const known = snapshotOf(page, { floor: 0, newest: 0 });
    const session: Session = {
      namespaceUid,
      asked: askedBy(question),
      known,
      changed: 0,
      turn: 0,
      waits: false,
      forget: () => undefined,
    };
    sessions.set(snapshot, session);
    keep(snapshot, session);
  }

  function keep(snapshot: string, session: Session): void {
    session.forget();
    session.forget = after(keptMs, () => void sessions.delete(snapshot));
  }

  /** First what nobody waits at goes, then the oldest. */
  function makeRoom(namespaceUid: string): void {
    const crowd = crowdedSessions(sessions, namespaceUid);
    const leaves = crowd.find((id) => sessions.get(id)?.waits === false) ?? crowd[0];
    if (leaves === undefined) return;
    sessions.get(leaves)?.forget();
    sessions.delete(leaves);
  }

  function look(question: ChangesQuestion, isWanted: () => boolean): Promise<LiveAnswer | undefined> {
    const { view, namespace, query } = question;
    const { after: _after, ...newest } = query;
    const list = (): Promise<LiveAnswer> => listDeliveries(view, namespace?.name, { ...newest, limit: mostFollowed });
    return turns.take(namespace?.uid ?? '', list, isWanted);
  }

  const isAnswerable = (session: Session, question: ChangesQuestion, turn: number): boolean =>
    sessions.get(question.snapshot) === session && session.turn === turn;

  async function follow(session: Session, question: ChangesQuestion, turn: number): Promise<DeliveryChanges> {
    const { view, to, waitMs, signal } = question;
    const until = now() + Math.min(waitMs, longestWaitMs);
    for (;;) {
      const said = await look(question, () => !signal.aborted && isAnswerable(session, question, turn));
      if (said === undefined) return signal.aborted ? { events: [] } : goneFor(anotherGoesOn);
      if (said.status !== 200) return goneFor(said.message);
      const page = pageOf(said.body);
      const { known } = session;
      const next = snapshotOf(page, known);
      if (next.floor > known.newest && page.more) {
        return goneFor(`more than ${mostFollowed} came at once: choose fewer with a field selector`);
      }
      const events = await differences({ known, next, page, view });
      if (!isAnswerable(session, question, turn)) return goneFor(anotherGoesOn);
      // Nobody takes the answer: the next question does.
      if (signal.aborted) return { events: [] };
      session.known = next;
      if (events.length > 0) session.changed = to;
      if (events.length > 0 || now() >= until) return { events };
      await pause(Math.min(lookMs, Math.max(1, until - now())), signal);
    }
  }

  function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = after(milliseconds, done);
      signal.addEventListener('abort', done);
    });
  }

  return {
    async list(question) {
      const { view, namespace, query } = question;
      const answer = await listDeliveries(view, namespace?.name, query);
      if (answer.status === 200) remember(question, pageOf(answer.body));
      return answer;
    },
    async changes(question) {
      const { snapshot, from } = question;
      const session = sessions.get(snapshot);
      if (session === undefined || session.asked !== askedBy(question)) return goneFor('it is not remembered any more');
      if (from < session.changed) return goneFor('what came after it was told to somebody');
      session.forget();
      session.waits = true;
      const turn = (session.turn += 1);
      try {
        return await follow(session, question, turn);
      } finally {
        // A later question may wait there by now: it is not forgotten because of an earlier one.
        if (isAnswerable(session, question, turn)) {
          session.waits = false;
          keep(snapshot, session);
        }
      }
    },
    close() {
      for (const { forget } of sessions.values()) forget();
      sessions.clear();
      turns.close();
    },
  };
}

const anotherGoesOn = 'somebody else goes on from there';

const goneFor = (gone: string): DeliveryChanges => ({ events: [], gone });

interface Page {
  readonly items: readonly DeliveryView[];
  /** Older ones were left out. */
  readonly more: boolean;
}

function pageOf(body: unknown): Page {
  const { items, metadata } = body as {
    readonly items: readonly DeliveryView[];
    readonly metadata: { readonly continue?: string };
  };
  return { items, more: metadata.continue !== undefined };
}

const numberOf = ({ metadata }: DeliveryView): number => deliveryNumber(metadata.name) ?? 0;
const keyOf = ({ metadata }: DeliveryView): string => `${metadata.namespace}/${metadata.name}`;

function snapshotOf({ items, more }: Page, before: Pick<Snapshot, 'floor' | 'newest'>): Snapshot {
  const numbers = items.map(numberOf);
  const oldest = more ? Math.min(...numbers) : 0;
  const floor = Math.max(before.floor, oldest);
  return {
    marks: new Map(items.filter((item) => numberOf(item) >= floor).map((item) => [keyOf(item), markOf(item)])),
    floor,
    newest: Math.max(before.newest, ...numbers),
  };
}

/** Six bytes of a hash: nobody but who sends the deliveries could make two alike. */
function markOf(item: DeliveryView): number {
  return createHash('sha1').update(JSON.stringify(item)).digest().readUIntBE(0, 6);
}

async function differences(facts: {
  readonly known: Snapshot;
  readonly next: Snapshot;
  readonly page: Page;
  readonly view: LiveView;
}): Promise<DeliveryChanges['events']> {
  const { known, next, page, view } = facts;
  // Oldest first, as they came.
  const followed = page.items.filter((item) => next.marks.has(keyOf(item))).toReversed();
  const came = followed.flatMap((object): DeliveryChanges['events'] => {
    const before = known.marks.get(keyOf(object));
    if (before === undefined) return [{ type: 'ADDED', object }];
    return before === next.marks.get(keyOf(object)) ? [] : [{ type: 'MODIFIED', object }];
  });
  // What newer ones have pushed out is still there.
  const left = [...known.marks.keys()].filter((key) => {
    const number = deliveryNumber(key.slice(key.indexOf('/') + 1)) ?? 0;
    return number >= next.floor && !next.marks.has(key);
  });
  const gone = await goneDelivery(view, left);
  return [...gone.map((object) => ({ type: 'DELETED' as const, object })), ...came];
}
