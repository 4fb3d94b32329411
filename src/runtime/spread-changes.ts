/** Brings changes of the table to all threads: one compiles what is new, the others load the images it has made. */
import type { ProgramImage } from '../lua/engine-contract.ts';
import type { Acknowledgement } from '../routing/types.ts';
import type { WorkerChange } from './worker-messages.ts';
import { WorkerGone } from './worker-thread.ts';

/** Copied at once to a thread; requests are answered in between. */
const changesPerMessage = 256;

/** What a thread is asked. */
export interface AppliesChanges {
  apply(
    changes: readonly WorkerChange[],
    images: readonly ProgramImage[],
    version: number | undefined,
  ): Promise<readonly Acknowledgement[]>;
  /** Of what serves under these ids of functions. */
  images(uids: readonly string[]): Promise<readonly ProgramImage[]>;
}

interface Told {
  readonly thread: AppliesChanges;
  readonly acknowledgements: Acknowledgement[];
  done: Promise<void>;
  gone: boolean;
}

/**
 * `source`: a thread that serves these changes already; absent: the first of `threads` goes ahead, piece by piece. Answers
 * what each thread says; one that ended meanwhile says nothing, and the others then compile on their own.
 */
export async function spreadChanges(
  threads: readonly AppliesChanges[],
  changes: readonly WorkerChange[],
  version: number,
  source?: AppliesChanges,
): Promise<readonly (readonly Acknowledgement[])[]> {
  const told = threads.map((thread): Told => ({ thread, acknowledgements: [], done: Promise.resolve(), gone: false }));
  const first = source === undefined ? told[0] : undefined;
  const followers = told.filter((each) => each !== first);
  let from = 0;
  do {
    const piece = changes.slice(from, from + changesPerMessage);
    from += changesPerMessage;
    const whole = from >= changes.length ? version : undefined;
    if (first !== undefined) await tell(first, piece, [], whole);
    const images = followers.length === 0 ? [] : await imagesOf(source ?? first?.thread, piece);
    for (const follower of followers) {
      const before = follower.done;
      follower.done = before.then(() => tell(follower, piece, images, whole));
      // Waited for below; until then a failure is not unheard of.
      follower.done.catch(() => undefined);
    }
  } while (from < changes.length);
  await Promise.all(followers.map(({ done }) => done));
  return told.filter(({ gone }) => !gone).map(({ acknowledgements }) => acknowledgements);
}

async function tell(
  told: Told,
  piece: readonly WorkerChange[],
  images: readonly ProgramImage[],
  version: number | undefined,
): Promise<void> {
  if (told.gone) return;
  try {
    told.acknowledgements.push(...(await told.thread.apply(piece, images, version)));
  } catch (error) {
    if (!(error instanceof WorkerGone)) throw error;
    told.gone = true;
  }
}

async function imagesOf(
  thread: AppliesChanges | undefined,
  piece: readonly WorkerChange[],
): Promise<readonly ProgramImage[]> {
  const uids = piece.flatMap((change) => (change.op === 'set' ? [change.entry.uid] : []));
  if (thread === undefined || uids.length === 0) return [];
  try {
    return await thread.images(uids);
  } catch (error) {
    if (error instanceof WorkerGone) return [];
    throw error;
  }
}
