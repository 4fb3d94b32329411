/** Asks a controller about a caller of the call listener, and reads its answer. */
import type { LinkClient } from './link/link-client.ts';
import type { ReviewQuestion, ReviewVerdict } from './review-caller.ts';

const timeoutMs = 5_000;

export async function askForReview(
  question: ReviewQuestion,
  links: Pick<LinkClient, 'ask'> | undefined,
): Promise<ReviewVerdict> {
  const answer = await links?.ask('review', question, { timeoutMs });
  if (answer === undefined) return { kind: 'away', reason: 'the runtime has no links yet' };
  if (!answer.ok) return { kind: 'away', reason: answer.message };
  return readVerdict(answer.body) ?? { kind: 'away', reason: 'the controller gave no verdict' };
}

function readVerdict(body: unknown): ReviewVerdict | undefined {
  const { kind, user, reason } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'allowed' && typeof user === 'string') return { kind, user };
  if ((kind === 'unauthorized' || kind === 'forbidden') && typeof reason === 'string') return { kind, reason };
  return undefined;
}
