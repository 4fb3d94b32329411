/** Checks a document against the WebhookFunction schema and its rules. */
import { createDocumentCheck } from './check-document.ts';
import type { Mistake } from './mistakes.ts';
import { functionSchema } from './schema.ts';
import type { ReceiverSchemas } from './schema-receivers.ts';
import type { WebhookFunction } from './types.ts';

export type CheckResult =
  | { readonly ok: true; readonly function: WebhookFunction }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Checks documents of one installation; `before` is the last accepted document of the same name. */
export type FunctionCheck = (document: unknown, before?: WebhookFunction) => CheckResult;

/** Compiled once, used for every document. */
export function createFunctionCheck(receivers: ReceiverSchemas): FunctionCheck {
  const check = createDocumentCheck(functionSchema(receivers), 'WebhookFunction');
  return (document, before) => {
    const mistakes = check(document, before);
    return mistakes.length === 0 ? { ok: true, function: document as WebhookFunction } : { ok: false, mistakes };
  };
}
