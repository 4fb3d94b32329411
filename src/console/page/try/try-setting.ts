/** What a person set up for trying a function: kept for the tab, without the secrets that were typed in. */
import type { Sample } from '../../console-source.ts';
import type { TryAnswer, TryOrder } from '../../try-types.ts';
import type { SampleEvent } from '../lua-event-help.ts';
import { findFunction } from '../edit/find-function.ts';
import { items, members } from '../edit/form-value.ts';
import type { Pair } from './pair-rows.tsx';

export interface TrySetting {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: readonly Pair[];
  readonly answers: readonly TryAnswer[];
  readonly objects: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly live: boolean;
  /** Also runs what is saved, to be seen beside it. */
  readonly compare: boolean;
}

const empty: TrySetting = {
  method: '',
  path: '',
  body: '',
  headers: [],
  answers: [],
  objects: '',
  secrets: {},
  live: false,
  compare: false,
};

const nameOf = (namespace: string, name: string): string => `moonhook-try:${namespace}/${name}`;

export function keptSetting(namespace: string, name: string): TrySetting {
  const text = sessionStorage.getItem(nameOf(namespace, name));
  return text === null ? empty : { ...empty, ...(JSON.parse(text) as Partial<TrySetting>), live: false };
}

export function keepSetting(namespace: string, name: string, setting: TrySetting): void {
  const { answers, objects, headers, compare } = setting;
  sessionStorage.setItem(nameOf(namespace, name), JSON.stringify({ answers, objects, headers, compare }));
}

/** Another sample: its body and its place, and what else was set stays. */
export function withSample(setting: TrySetting, sample: Sample | undefined): TrySetting {
  return { ...setting, body: sample?.body ?? '', path: sample?.path ?? '', method: sample?.method ?? '' };
}

/** Tells samples apart. */
export function keyOf({ trigger = '', kind, event, past }: Sample): string {
  return JSON.stringify([trigger, kind, event, past?.id]);
}

/** The event as far as it is known before it is tried. */
export function eventOf(
  { method, path, body }: TrySetting,
  { trigger, kind, event, path: route, past }: Sample,
): SampleEvent {
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch {
    // Half typed, or no JSON: its fields are not known.
  }
  const query = Object.fromEntries(new URLSearchParams(path.split('?')[1] ?? ''));
  const headers = Object.fromEntries(past?.headers ?? [['content-type', 'application/json']]);
  return {
    name: event,
    body,
    ...(data === undefined ? {} : { data }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(kind === 'past' ? {} : { sender: { name: kind } }),
    ...(route === undefined ? {} : { request: { method, path, headers, query } }),
  };
}

export function orderOf(setting: TrySetting, { trigger, event, past }: Sample): TryOrder {
  const { method, path, body, headers, answers, objects, secrets, live } = setting;
  const typed = Object.entries(secrets).filter(([, value]) => value !== '');
  const named = headers.filter(([name]) => name.trim() !== '');
  return {
    ...(trigger === undefined ? {} : { trigger }),
    event,
    body,
    ...(path === '' ? {} : { path }),
    ...(method === '' ? {} : { method }),
    ...(named.length === 0 ? {} : { headers: named }),
    ...(past === undefined ? {} : { eventHeaders: past.headers }),
    network: live ? 'live' : 'table',
    answers,
    objects,
    secrets: Object.fromEntries(typed),
  };
}

/** `NAME.KEY` of every Secret that the function names, in the order of the text. */
export function secretsOf(yaml: string, namespace: string, name: string): readonly string[] {
  const found = new Set<string>();
  const walk = (value: unknown, key: string): void => {
    for (const each of items(value)) walk(each, key);
    const { name: secret, key: entry } = members(value);
    const reference = /Refs?$/.test(key) && !key.startsWith('configMap');
    if (reference && typeof secret === 'string' && typeof entry === 'string') found.add(`${secret}.${entry}`);
    for (const [member, each] of Object.entries(members(value))) walk(each, member);
  };
  const spec = members(findFunction(yaml, { namespace, name })?.document.toJS())['spec'];
  walk(spec, 'spec');
  return [...found];
}
