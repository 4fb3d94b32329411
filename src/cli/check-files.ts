/** The schema check for commands that read files, compiled once. */
import { createFunctionCheck } from '../function/check-function.ts';
import { documentCheck } from '../local/check-document.ts';
import type { CheckFunction } from '../local/read-documents.ts';
import { receivers } from '../receivers/catalogue.ts';

/** The check of every receiver that this version knows. */
export function documentChecker(): CheckFunction {
  return documentCheck(createFunctionCheck(receivers));
}
