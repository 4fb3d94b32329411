/** Finds the values of a function's secrets in texts that are written about it, and masks them: by value, whatever led there. */
import type { FunctionEntry } from '../routing/types.ts';
import { mask } from './mask-credentials.ts';

/** The text with each secret replaced. */
export type Hide = (text: string) => string;

/** Values as short as `true` or `8080` stand in most texts by chance. */
const leastLength = 6;
/** Of an encoded value: shorter ones are found by chance. */
const leastEncoded = 8;
/** So much of a beginning is a secret told, even where the rest was cut away or changed. */
const headLength = 32;
/** Encodings of long values are not looked for: their lines are. */
const longestEncoded = 4096;
const mostLines = 200;
/** What texts are cut to begins here: a summary of a host call is the shortest. */
const cutFrom = 190;
const leastCut = 8;
const mostCuts = 16;
/** How Lua ends the name of a chunk that it cuts. */
const cutMark = '..."]';

/** Secrets that its Lua can read: of `env`, and of receivers whose verifier is the function itself. */
export function secretsOf({ env, secretEnv, triggers }: FunctionEntry): readonly string[] {
  const values = secretEnv.map((name) => (Object.hasOwn(env, name) ? (env[name] ?? '') : ''));
  for (const trigger of triggers) {
    if (trigger.kind !== 'http' || trigger.receiver.name !== 'custom') continue;
    const { secrets, namedSecrets = {} } = trigger.receiver;
    for (const secret of [...secrets, ...Object.values(namedSecrets)])
      values.push(Buffer.from(secret, 'base64').toString());
  }
  return values;
}

/** Undefined: nothing is to be hidden. */
export function createHide(secrets: readonly string[]): Hide | undefined {
  const forms = [...new Set(secrets.flatMap(formsOf).map(fold))];
  if (forms.length === 0) return undefined;
  return (text) => {
    if (text.length < leastLength) return text;
    const spans = spansIn(fold(text), forms);
    return spans.length === 0 ? text : cover(text, spans);
  };
}

type Span = readonly [start: number, end: number];

function spansIn(text: string, forms: readonly string[]): Span[] {
  const spans: Span[] = [];
  const cuts = cutsIn(text);
  for (const form of forms) {
    const head = form.slice(0, headLength);
    for (let at = text.indexOf(head); at >= 0;) {
      let end = at + head.length;
      while (end - at < form.length && text.charCodeAt(end) === form.charCodeAt(end - at)) end += 1;
      spans.push([at, end]);
      at = text.indexOf(head, end);
    }
    for (const cut of cuts) {
      const longest = Math.min(headLength, form.length) - 1;
      for (let length = longest; length >= leastCut; length -= 1) {
        if (!text.startsWith(form.slice(0, length), cut - length)) continue;
        spans.push([cut - length, cut]);
        break;
      }
    }
  }
  return spans;
}

/** Where a text may have been cut within a secret. */
function cutsIn(text: string): readonly number[] {
  const cuts = text.length < cutFrom ? [] : [text.length];
  for (let at = text.indexOf(cutMark); at >= 0 && cuts.length < mostCuts; at = text.indexOf(cutMark, at + 1))
    cuts.push(at);
  return cuts;
}

function cover(text: string, spans: Span[]): string {
  spans.sort(([a], [b]) => a - b);
  let covered = '';
  let done = 0;
  for (const [start, end] of spans) {
    // Part of what is covered already.
    if (end <= done) continue;
    if (start >= done && (start > done || done === 0)) covered += text.slice(done, start) + mask;
    done = end;
  }
  return covered + text.slice(done);
}

/** Host names are written in lower case, escapes in either: capitals of ASCII do not count. Positions stay. */
function fold(text: string): string {
  return text.replace(/[A-Z]+/g, (part) => part.toLowerCase());
}

/** The value, its lines, and what it becomes in addresses, JSON, headers and hexadecimal notation. */
function formsOf(secret: string): readonly string[] {
  const value = secret.trim().toWellFormed();
  if (value.length < leastLength) return [];
  const lines = value.split(/[\r\n]+/, mostLines).map((line) => line.trim());
  const forms = [value, ...lines, latin1(value), ...lines.map(latin1), json(value)];
  if (value.length > longestEncoded) return forms.filter((form) => form.length >= leastLength);
  const encoded = new Set([secret.toWellFormed(), value].flatMap((each) => [...base64Of(each), hex(each)]));
  return [
    ...[...forms, ...inAddresses(value)].filter((form) => form.length >= leastLength),
    ...[...encoded].filter((form) => form.length >= leastEncoded),
  ];
}

/** Bytes that were cut within a character, or stand beside some that are no UTF-8, are shown one by one. */
function latin1(value: string): string {
  return Buffer.from(value).toString('latin1');
}

function json(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function hex(value: string): string {
  return Buffer.from(value).toString('hex');
}

function inAddresses(value: string): readonly string[] {
  const url = new URL('http://host.invalid/');
  url.pathname = value;
  url.search = value;
  const form = new URLSearchParams({ '': value }).toString();
  return [encodeURIComponent(value), encodeURI(value), url.pathname.slice(1), url.search.slice(1), form.slice(1)];
}

/** At each of the three places that it can have among other bytes, as in `user:password`. */
function base64Of(value: string): readonly string[] {
  const forms: string[] = [];
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const first = Math.ceil((before * 8) / 6);
    const whole = Math.floor((bytes.length * 8) / 6);
    forms.push(bytes.toString('base64').slice(first, whole), bytes.toString('base64url').slice(first, whole));
  }
  return forms;
}
