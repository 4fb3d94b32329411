/** The expressions of a function's triggers, each under a name that says in errors where it stands. */
import type { FunctionEntry, TriggerEntry } from '../routing/types.ts';
import type { ExpressionNames } from './live-function.ts';

type Kind = keyof ExpressionNames;

const places: Readonly<Record<Kind, string>> = {
  filter: 'filter',
  rateKey: 'rate.key',
  concurrencyKey: 'concurrency.key',
  dedupKey: 'dedup.key',
  debounceKey: 'debounce.key',
  changed: 'changed',
};

function sourcesOf(trigger: TriggerEntry): Partial<Record<Kind, string>> {
  const sources: Partial<Record<Kind, string>> = {};
  if (trigger.filter !== undefined) sources.filter = trigger.filter;
  if (trigger.kind === 'kubernetes' && trigger.changed !== undefined) sources.changed = trigger.changed;
  if (trigger.kind !== 'http' && trigger.kind !== 'event') return sources;
  if (trigger.kind === 'http' && trigger.rate?.key !== undefined) sources.rateKey = trigger.rate.key;
  if (trigger.concurrency?.key !== undefined) sources.concurrencyKey = trigger.concurrency.key;
  if (trigger.dedup?.key !== undefined) sources.dedupKey = trigger.dedup.key;
  if (trigger.debounce?.key !== undefined) sources.debounceKey = trigger.debounce.key;
  return sources;
}

/** `push (filter)`: the name of one expression. */
function nameOf(trigger: string, kind: Kind): string {
  return `${trigger} (${places[kind]})`;
}

const noExpressions: ReadonlyMap<string, string> = new Map();

/** Name → source of every expression of a function. */
export function expressionsOf(entry: FunctionEntry): ReadonlyMap<string, string> {
  const expressions = new Map<string, string>();
  for (const trigger of entry.triggers) {
    for (const [kind, source] of Object.entries(sourcesOf(trigger))) {
      expressions.set(nameOf(trigger.name, kind as Kind), source);
    }
  }
  return expressions.size === 0 ? noExpressions : expressions;
}

const noNames: ExpressionNames = {};

/** The names under which one trigger finds its expressions. */
export function expressionNames(trigger: TriggerEntry): ExpressionNames {
  const names = Object.keys(sourcesOf(trigger)).map((kind) => [kind, nameOf(trigger.name, kind as Kind)]);
  return names.length === 0 ? noNames : (Object.fromEntries(names) as ExpressionNames);
}
