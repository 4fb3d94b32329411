/** A function or a subscription as verbs take them: `NS/NAME`, `NAME`, `whf/NAME`, `whs/NS/NAME`, `whs/NAME`. */
import { readTarget, type TargetName } from './target-name.ts';

export interface SubjectName extends TargetName {
  readonly kind: 'function' | 'subscription';
}

const prefixes = { whf: 'function', whs: 'subscription' } as const;

/** What is meant; a text: why nothing is. `whs/` always begins the name of a subscription, `whf/` that of a function. */
export function readSubject(text: string, namespaceOption: string | undefined): SubjectName | string {
  const kind = prefixOf(text);
  const target = readTarget(kind === undefined ? text : text.slice(4), namespaceOption);
  if (typeof target === 'string') return target;
  return { ...target, kind: kind ?? 'function' };
}

/** An id as `-o name` prints it, `delivery/dlv-7` or `call/ID`, without its kind. */
export function readId(text: string): string {
  return text.replace(/^(?:delivery|call)\/(?=[^/]+$)/, '');
}

/** Undefined: the text does not say what it names. */
export function prefixOf(text: string): SubjectName['kind'] | undefined {
  const prefix = text.slice(0, 3);
  return text[3] === '/' && (prefix === 'whf' || prefix === 'whs') ? prefixes[prefix] : undefined;
}
