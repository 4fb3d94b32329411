/** The schema check of `src/function` as local mode asks it: findings with the steps of their path. */
import { createSubscriptionCheck } from '../function/check-subscription.ts';
import type { DocumentCheck } from '../function/check-document.ts';
import type { Mistake } from '../function/mistakes.ts';
import type { FunctionCheck } from '../function/check-function.ts';
import { parseFieldPath } from './field-path.ts';
import type { CheckFunction } from './read-documents.ts';

/** Adapts compiled checks: a document is asked the one of its kind. */
export function documentCheck(
  check: FunctionCheck,
  checkSubscription: DocumentCheck = createSubscriptionCheck(),
): CheckFunction {
  return (value) => {
    return mistakesOf(value, check, checkSubscription).map(({ path, message, hint }) => ({
      path: parseFieldPath(path),
      severity: 'error',
      message,
      ...(hint === undefined ? {} : { hint }),
    }));
  };
}

function mistakesOf(
  value: Readonly<Record<string, unknown>>,
  check: FunctionCheck,
  checkSubscription: DocumentCheck,
): readonly Mistake[] {
  if (value['kind'] === 'WebhookSubscription') return checkSubscription(value);
  const result = check(value);
  return result.ok ? [] : result.mistakes;
}
