/** What the store refuses for now (a quota, a full disk) is an answer to whoever acts, not a defect. */
import { Refusal } from '../../failures/refusal.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';

export async function tellRefusal<Answer>(act: () => Promise<Answer>): Promise<Answer | LiveAnswer> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Refusal) return { status: 409, message: error.message };
    throw error;
  }
}
