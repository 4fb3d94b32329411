/** Hands what the leader asks about kubernetes triggers to a worker thread, and its answer back to the link. */
import { errorMessage } from '../../failures/error-message.ts';
import type { Answer } from '../../link/exchange.ts';
import { readAppendQuestion, type AppendAnswer, type AppendQuestion } from '../../link/append-messages.ts';
import type { WorkerThread } from '../worker-thread.ts';

/** One function always meets the same thread, as long as that lives. */
export function appendInWorker(threads: readonly WorkerThread[], question: AppendQuestion): Promise<AppendAnswer> {
  let hash = 0;
  for (const letter of question.function) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  const thread = threads[hash % threads.length];
  if (thread === undefined) return Promise.resolve({ kind: 'notServed', message: 'no thread of the runtime answers' });
  return thread.append(question);
}

/** It does not reject. */
export async function answerAppendAsk(
  body: unknown,
  append: (question: AppendQuestion) => Promise<AppendAnswer>,
): Promise<Answer> {
  const question = readAppendQuestion(body);
  if (question === undefined)
    return { ok: false, code: 'Unsupported', message: 'an unknown question of the topic append' };
  try {
    return { ok: true, body: await append(question) };
  } catch (error) {
    return { ok: false, code: 'Failed', message: errorMessage(error) };
  }
}
