/** Unsaved work, kept in the browser so that a reload does not lose it. */
import type { Draft } from '../console-source.ts';

export interface KeptDraft {
  readonly draft: Draft;
  /** What it is based on: a save over something newer is a conflict, also after a reload. */
  readonly version: string;
}

const nameOf = (namespace: string, name: string): string => `moonhook-draft:${namespace}/${name}`;

export function keepDraft(namespace: string, name: string, draft: Draft, version: string): void {
  sessionStorage.setItem(nameOf(namespace, name), JSON.stringify({ draft, version } satisfies KeptDraft));
}

export function keptDraft(namespace: string, name: string): KeptDraft | undefined {
  const text = sessionStorage.getItem(nameOf(namespace, name));
  return text === null ? undefined : (JSON.parse(text) as KeptDraft);
}

export function forgetDraft(namespace: string, name: string): void {
  sessionStorage.removeItem(nameOf(namespace, name));
}
