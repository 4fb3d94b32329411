/** Records of calls as machines get them: their times as RFC 3339 says, like every other time that is printed. */
import type { PlainObject } from './run-client.ts';

/** One record; `time` and `nextAttempt` come as milliseconds since the epoch. */
export function shownCall(call: PlainObject): PlainObject {
  const { time, nextAttempt } = call;
  return {
    ...call,
    ...(typeof time === 'number' ? { time: new Date(time).toISOString() } : {}),
    ...(typeof nextAttempt === 'number' ? { nextAttempt: new Date(nextAttempt).toISOString() } : {}),
  };
}

/** An answer with the records that are in it. */
export function withShownCalls(answer: PlainObject): PlainObject {
  const { call, calls, records } = answer;
  return {
    ...answer,
    ...(call === undefined ? {} : { call: shownCall(call as PlainObject) }),
    ...(calls === undefined ? {} : { calls: (calls as readonly PlainObject[]).map(shownCall) }),
    ...(records === undefined ? {} : { records: (records as readonly PlainObject[]).map(shownCall) }),
  };
}
