/** Sends a worker's records to the main thread: what is urgent soon, everything when it is asked for. */
import type { RareCounter } from './rare-counts.ts';
import type { RecordBuffer } from './record-buffer.ts';
import type { Batch, FromWorker } from './worker-messages.ts';

/** Some milliseconds' work. */
const recordsPerTurn = 500;

export interface RecordSender {
  /** What cannot wait, with the counts of rare things. */
  urgent(): Batch;
  /** Sends what cannot wait, unless the last of it is still on its way: what comes faster than it is taken must not queue up. */
  hurry(): void;
  /** What was sent in a hurry has been taken. */
  taken(): void;
  /** Resolves when everything there was has been sent, of quiet ones `quiet`; in turns, so that requests are answered in between. */
  sendAll(quiet?: number): Promise<void>;
}

export function createRecordSender(
  records: RecordBuffer,
  rare: RareCounter,
  send: (message: FromWorker) => void,
): RecordSender {
  let sending = Promise.resolve();
  let underWay = false;
  const urgent = (): Batch => ({ ...records.take(), rare: rare.take() });

  async function sendInTurns(quiet: number | undefined): Promise<void> {
    for (const batch of records.takeAll(recordsPerTurn, quiet)) {
      send({ kind: 'batch', batch: { ...batch, rare: rare.take() } });
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  return {
    urgent,
    hurry() {
      if (underWay || !(records.hasUrgent || rare.pending)) return;
      underWay = true;
      send({ kind: 'urgent', batch: urgent() });
    },
    taken: () => void (underWay = false),
    sendAll(quiet) {
      sending = sending.then(() => sendInTurns(quiet));
      return sending;
    },
  };
}
