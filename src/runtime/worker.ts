/** A worker thread: the HTTP listeners and the Lua engine in one place, so that no call leaves the thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../failures/error-message.ts';
import { systemClock } from '../link/system-clock.ts';
import { collectAlone } from './collect-alone.ts';
import { giveBackMemory, threadMemory } from './give-back-memory.ts';
import { startWorker } from './start-worker.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread');

const send = (message: FromWorker): void => port.postMessage(message);
const worker = startWorker(workerData as WorkerStart, send);
giveBackMemory(threadMemory(), systemClock.every);
port.on('message', (message: ToWorker) => {
  if (message.kind === 'listen') collectAlone();
  worker.take(message).catch((error: unknown) => {
    send({ kind: 'failed', message: errorMessage(error) });
  });
});
send({ kind: 'ready' });
