/** Call records as plain JSON: times to the microsecond, which is all that the clocks behind them tell. */
import type { CallRecord } from '../call-record.ts';
import { toPlain } from './plain-values.ts';

const micro = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;

/** What functions wrote to their log is as they wrote it. */
export function toPlainRecord(record: CallRecord): unknown {
  const { time, durationMs, cpuMs, hostCalls, log } = record;
  return toPlain({
    ...record,
    time: micro(time),
    durationMs: micro(durationMs),
    ...(cpuMs === undefined ? {} : { cpuMs: micro(cpuMs) }),
    ...(log === undefined ? {} : { log: log.map((line) => ({ ...line, at: micro(line.at) })) }),
    ...(hostCalls === undefined
      ? {}
      : {
          hostCalls: hostCalls.map((call) => ({
            ...call,
            startMs: micro(call.startMs),
            durationMs: micro(call.durationMs),
          })),
        }),
  });
}
