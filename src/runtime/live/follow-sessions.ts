/** Records as they come, for somebody who asks again and again: what came between two questions is kept for a while. */
import type { RecordDepth } from '../../link/live-questions.ts';
import type { CallRecord } from '../call-record.ts';
import type { RecordFilter } from '../record-filter.ts';
import { crowdedSessions } from './crowded-sessions.ts';
import type { LiveView } from './live-view.ts';
import { toPlainRecord } from './plain-record.ts';

/** What came since the question before. */
interface FollowedRecords {
  /** For the next question. */
  readonly cursor: string;
  readonly calls: readonly unknown[];
  /** True: more came than is kept, or the cursor is not known any more. */
  readonly gap: boolean;
}

/** Who asks, and for what. */
export interface FollowQuestion {
  readonly view: LiveView;
  /** Of the namespace asked about; empty: of all of them. Its questions share places, and take none of another. */
  readonly namespaceUid: string;
  readonly depth: RecordDepth;
  readonly filter: RecordFilter;
  /** Of another namespace, depth or filter: it is not known. */
  readonly cursor: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export interface FollowSessions {
  next(question: FollowQuestion): Promise<FollowedRecords>;
  close(): void;
}

interface Session {
  readonly namespaceUid: string;
  /** Namespace, depth and filter that it was opened with. */
  readonly asked: string;
  calls: CallRecord[];
  gap: boolean;
  wake: () => void;
  stop(): void;
  /** Ends what nobody asks for any more. */
  forget: () => void;
}

/** Nobody asked for so long: the session ends. */
const keptMs = 60_000;
const mostKept = 1_000;
const mostAtOnce = 200;
const longestWaitMs = 30_000;

export function createFollowSessions(options: {
  newId(): string;
  after(milliseconds: number, callback: () => void): () => void;
}): FollowSessions {
  const { newId, after } = options;
  const sessions = new Map<string, Session>();

  function open({ view, namespaceUid, filter }: FollowQuestion, asked: string): readonly [string, Session] {
    const id = newId();
    const session: Session = {
      namespaceUid,
      asked,
      calls: [],
      gap: false,
      wake: () => undefined,
      forget: () => undefined,
      stop: view.followRecords(filter, (record) => {
        if (session.calls.length >= mostKept) {
          session.calls.shift();
          session.gap = true;
        }
        session.calls.push(record);
        session.wake();
      }),
    };
    makeRoom(namespaceUid);
    sessions.set(id, session);
    return [id, session];
  }

  function makeRoom(namespaceUid: string): void {
    const [oldest] = crowdedSessions(sessions, namespaceUid);
    if (oldest !== undefined) end(oldest);
  }

  function end(id: string): void {
    const session = sessions.get(id);
    sessions.delete(id);
    session?.forget();
    session?.stop();
    session?.wake();
  }

  /** Until something came, the time is over or nobody waits. */
  function wait(session: Session, waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // Who has gone already is never told by an event.
      if (signal.aborted) return resolve();
      const done = (): void => {
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = after(Math.min(waitMs, longestWaitMs), done);
      signal.addEventListener('abort', done);
      session.wake = done;
    });
  }

  return {
    async next(question) {
      const { namespaceUid, depth, filter, cursor, waitMs, signal } = question;
      const asked = JSON.stringify([namespaceUid, depth, filter]);
      const held = sessions.get(cursor);
      const known = held?.asked === asked ? held : undefined;
      const [id, session] = known === undefined ? open(question, asked) : [cursor, known];
      session.forget();
      // The first question is answered at once: from then on nothing is missed.
      if (known !== undefined && session.calls.length === 0) {
        await wait(session, waitMs, signal);
        session.wake = () => undefined;
      }
      const gap = session.gap || (cursor !== '' && known === undefined);
      // It may have lost its place while it waited.
      if (sessions.get(id) === session) session.forget = after(keptMs, () => end(id));
      // Nobody takes the answer: the next question does.
      if (signal.aborted) return { cursor: id, calls: [], gap };
      session.gap = false;
      return { cursor: id, calls: session.calls.splice(0, mostAtOnce).map(toPlainRecord), gap };
    },
    close() {
      for (const id of sessions.keys()) end(id);
    },
  };
}
