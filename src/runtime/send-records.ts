/** Sends a worker's records to the main thread: what is urgent soon, everything when it is asked for. */
import type { RecordBuffer } from './record-buffer.ts';
import type { Batch, RareCount } from './worker-messages.ts';

/** Some milliseconds' work. */
const recordsPerTurn = 500;

export interface RecordSender {
  /** What cannot wait, with the counts of rare things. */
  urgent(): Batch;
  /** Resolves when everything there was has been sent; in turns, so that requests are answered in between. */
  sendAll(): Promise<void>;
}

export function createRecordSender(options: {
  readonly records: RecordBuffer;
  takeRare(): readonly RareCount[];
  send(batch: Batch): void;
}): RecordSender {
  const { records, takeRare, send } = options;
  let sending = Promise.resolve();

  async function sendInTurns(): Promise<void> {
    for (const batch of records.takeAll(recordsPerTurn)) {
      send({ ...batch, rare: takeRare() });
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  return {
    urgent: () => ({ ...records.take(), rare: takeRare() }),
    sendAll() {
      sending = sending.then(sendInTurns);
      return sending;
    },
  };
}
