/** The schema check of `src/function` as local mode asks it: findings with the steps of their path. */
import type { FunctionCheck } from '../function/check-function.ts';
import { parseFieldPath } from './field-path.ts';
import type { CheckFunction } from './read-documents.ts';

/** Adapts a compiled check. */
export function documentCheck(check: FunctionCheck): CheckFunction {
  return (value) => {
    const result = check(value);
    if (result.ok) return [];
    return result.mistakes.map(({ path, message, hint }) => ({
      path: parseFieldPath(path),
      severity: 'error',
      message,
      ...(hint === undefined ? {} : { hint }),
    }));
  };
}
