/** The schema check of `src/function` as local mode asks it: findings with the steps of their path. */
import { createSubscriptionCheck } from '../function/check-subscription.ts';
import type { DocumentCheck } from '../function/check-document.ts';
import type { Mistake } from '../function/mistakes.ts';
import type { FunctionCheck } from '../function/check-function.ts';
import type { Limits, WebhookFunction } from '../function/types.ts';
import type { FieldPath } from './document-places.ts';
import { parseFieldPath } from './field-path.ts';
import type { CheckFunction, SchemaFinding } from './read-documents.ts';

/** Adapts compiled checks: a document is asked the one of its kind. */
export function documentCheck(
  check: FunctionCheck,
  checkSubscription: DocumentCheck = createSubscriptionCheck(),
): CheckFunction {
  return (value) => {
    if (value['kind'] === 'WebhookSubscription') return checkSubscription(value).map(errorOf);
    const result = check(value);
    return result.ok ? smallSizes(result.function) : result.mistakes.map(errorOf);
  };
}

function errorOf({ path, message, hint }: Mistake): SchemaFinding {
  const more = hint === undefined ? {} : { hint };
  return { path: parseFieldPath(path), severity: 'error', message, ...more };
}

const sizes = { memory: 'Mi', requestBody: 'Mi', responseBody: 'Mi', log: 'Ki' } as const;
const fewBytes = 1024;

/** Sizes nobody means: a unit was forgotten. */
function smallSizes({ spec }: WebhookFunction): readonly SchemaFinding[] {
  const places: readonly (readonly [FieldPath, Limits | undefined])[] = [
    [['spec', 'limits'], spec.limits],
    ...(spec.triggers ?? []).map(({ limits }, index) => [['spec', 'triggers', index, 'limits'], limits] as const),
  ];
  return places.flatMap(([path, limits]) =>
    Object.entries(sizes).flatMap(([field, unit]): readonly SchemaFinding[] => {
      const size = limits?.[field as keyof typeof sizes];
      if (size === undefined || !(Number(size) < fewBytes)) return [];
      const message = `${size} is ${size} bytes`;
      return [{ path: [...path, field], severity: 'warning', message, hint: `did you mean ${size}${unit}?` }];
    }),
  );
}
