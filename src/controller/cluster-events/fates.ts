/**
 * What became of objects that are not selected any more: looked for beside everything else, a few at a time, and again
 * until it is known. A slow answer about one of them holds up no other.
 */
import { createBackOff } from '../back-off.ts';
import type { Clock } from '../clock.ts';
import type { KubeFailure } from '../kube-answer.ts';
import type { Look } from './object-view.ts';

/** Where an object was. */
export interface Placed {
  readonly uid: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface Fates {
  /** What is known since the object was asked about; undefined: not yet. It asks, if nobody has. */
  of(object: Placed): Exclude<Look, { kind: 'unknown' }> | undefined;
  /** It changed, or was told: what is known of it counts no more. */
  forget(uid: string): void;
  /** Of all. */
  clear(): void;
  /** Why the last question had no answer; undefined: none is without. */
  readonly failure: KubeFailure | undefined;
}

interface Question {
  readonly object: Placed;
  look?: Exclude<Look, { kind: 'unknown' }>;
  failure?: KubeFailure;
}

const atOnce = 32;
const retryTiming = { leastMs: 200, mostMs: 10_000 };

export function createFates(options: {
  look(object: Placed): Promise<Look>;
  /** Something is known of this object, or cannot be known now. */
  onNews(uid: string): void;
  readonly clock: Clock;
  /** Nobody wants to know any more. */
  readonly signal: AbortSignal;
  onFault(error: unknown): void;
}): Fates {
  const { clock, signal } = options;
  const questions = new Map<string, Question>();
  const waiting: Question[] = [];
  let running = 0;

  const wanted = (question: Question): boolean => questions.get(question.object.uid) === question && !signal.aborted;

  function next(): void {
    while (running < atOnce) {
      const question = waiting.shift();
      if (question === undefined) return;
      if (!wanted(question)) continue;
      running += 1;
      ask(question)
        .catch(options.onFault)
        .finally(() => {
          running -= 1;
          next();
        });
    }
  }

  async function ask(question: Question): Promise<void> {
    const backOff = createBackOff(retryTiming, clock.random);
    while (wanted(question)) {
      const look = await options.look(question.object);
      if (!wanted(question)) return;
      if (look.kind !== 'unknown') {
        delete question.failure;
        question.look = look;
        options.onNews(question.object.uid);
        return;
      }
      question.failure = look.failure;
      options.onNews(question.object.uid);
      await clock.sleep(backOff.next(look.failure.retryAfterMs), signal);
    }
  }

  return {
    of(object) {
      const known = questions.get(object.uid);
      if (known !== undefined) return known.look;
      const question: Question = { object };
      questions.set(object.uid, question);
      waiting.push(question);
      next();
      return undefined;
    },
    forget: (uid) => void questions.delete(uid),
    clear: () => questions.clear(),
    get failure() {
      for (const { failure } of questions.values()) if (failure !== undefined) return failure;
      return undefined;
    },
  };
}
