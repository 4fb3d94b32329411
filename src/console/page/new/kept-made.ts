/** What was just made, until its steps are done: in memory only, for it may hold a secret. */
import type { CreateResult } from '../../editing-source.ts';

export interface MadeFunction extends Extract<CreateResult, { readonly kind: 'created' }> {
  readonly title: string;
  /** What to do at the sender. */
  readonly setUp: readonly string[];
}

const made = new Map<string, MadeFunction>();

export function keepMade(one: MadeFunction): void {
  made.set(`${one.namespace}/${one.name}`, one);
}

/** Undefined: it was not made in this page. */
export function keptMade(namespace: string, name: string): MadeFunction | undefined {
  return made.get(`${namespace}/${name}`);
}

export function forgetMade(namespace: string, name: string): void {
  made.delete(`${namespace}/${name}`);
}
