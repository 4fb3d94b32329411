/** Records as they come, for somebody who asks again and again: what came between two questions is kept for a while. */
import type { CallRecord } from '../call-record.ts';
import type { RecordFilter } from '../record-filter.ts';
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

export interface FollowSessions {
  /** `border`: what the asker may see; a cursor of another border is not known. */
  next(
    view: LiveView,
    border: string,
    filter: RecordFilter,
    cursor: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<FollowedRecords>;
  close(): void;
}

interface Session {
  /** Border and filter that it was opened with. */
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
const mostSessions = 200;
const longestWaitMs = 30_000;

export function createFollowSessions(options: {
  newId(): string;
  after(milliseconds: number, callback: () => void): () => void;
}): FollowSessions {
  const { newId, after } = options;
  const sessions = new Map<string, Session>();

  function open(
    view: LiveView,
    asked: string,
    filter: RecordFilter,
  ): { readonly id: string; readonly session: Session } {
    const id = newId();
    const session: Session = {
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
    if (sessions.size >= mostSessions) end(sessions.keys().next().value as string);
    sessions.set(id, session);
    return { id, session };
  }

  function end(id: string): void {
    const session = sessions.get(id);
    sessions.delete(id);
    session?.forget();
    session?.stop();
    session?.wake();
  }

  return {
    async next(view, border, filter, cursor, waitMs, signal) {
      const asked = JSON.stringify([border, filter]);
      const held = sessions.get(cursor);
      const known = held?.asked === asked ? held : undefined;
      const { id, session } = known === undefined ? open(view, asked, filter) : { id: cursor, session: known };
      session.forget();
      // The first question is answered at once: from then on nothing is missed.
      if (known !== undefined && session.calls.length === 0) {
        await new Promise<void>((resolve) => {
          const stop = after(Math.min(waitMs, longestWaitMs), resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
          session.wake = () => {
            stop();
            resolve();
          };
        });
        session.wake = () => undefined;
      }
      session.forget = after(keptMs, () => end(id));
      const gap = session.gap || (cursor !== '' && known === undefined);
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
