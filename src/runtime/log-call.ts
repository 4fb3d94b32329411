/** What of a call belongs in the process log: what the function logged, and why it failed. */
import { placedMessage } from '../failures/placed-message.ts';
import type { LogFields, Logger } from '../telemetry/logger.ts';
import type { CallRecord } from './call-record.ts';
import { toPlain } from './live/plain-values.ts';

/** Quiet calls without log lines leave nothing. */
export function logCall(log: Logger, record: CallRecord): void {
  const { namespace, functionName, trigger, callId, error, outcome } = record;
  if (namespace === undefined) return;
  const fields: LogFields = {
    function: `${namespace}/${functionName ?? ''}`,
    ...(trigger === undefined ? {} : { trigger }),
    call: callId,
  };
  for (const { level, message, fields: own } of record.log ?? []) {
    log[level](message, { ...fields, ...(own === undefined ? {} : { fields: toPlain(own) }) });
  }
  if (error === undefined) return;
  log.warn(`the call ended ${outcome}: ${placedMessage(error)}`, {
    ...fields,
    ...(error.file === undefined ? {} : { file: error.file }),
    ...(error.line === undefined ? {} : { line: error.line }),
  });
}
