/** Reads what a page asks to try; anything that is not of its form is refused as a whole. */
import { isObject } from '../function/is-object.ts';
import type { TryAnswer, TryOrder } from './try-types.ts';

const texts = ['trigger', 'event', 'path', 'method', 'body', 'objects'] as const;
const most = 200;

/** Undefined: it is none. */
export function readOrder(value: unknown): TryOrder | undefined {
  if (!isObject(value)) return undefined;
  const { network, headers, eventHeaders, answers, secrets, ...rest } = value;
  if (network !== 'live' && network !== 'table') return undefined;
  for (const [name, text] of Object.entries(rest)) {
    if (!(texts as readonly string[]).includes(name) || typeof text !== 'string') return undefined;
  }
  if ([headers, eventHeaders].some((pairs) => pairs !== undefined && !isPairs(pairs))) return undefined;
  if (answers !== undefined && !(Array.isArray(answers) && answers.length <= most && answers.every(isAnswer))) {
    return undefined;
  }
  if (
    secrets !== undefined &&
    !(isObject(secrets) && Object.values(secrets).every((each) => typeof each === 'string'))
  ) {
    return undefined;
  }
  return value as unknown as TryOrder;
}

function isAnswer(value: unknown): value is TryAnswer {
  if (!isObject(value)) return false;
  const { method, url, status, headers, body } = value;
  return (
    typeof method === 'string' &&
    typeof url === 'string' &&
    typeof body === 'string' &&
    Number.isInteger(status) &&
    Number(status) >= 100 &&
    Number(status) <= 599 &&
    isPairs(headers)
  );
}

function isPairs(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= most &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string'))
  );
}
