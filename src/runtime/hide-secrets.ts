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
/**
 * Each is looked for in each text: 64 KiB of log take some 20 ms, made for it 60, which the call's CPU time says. Of a function
 * with more, values as they are come first.
 */
const mostForms = 512;
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
  const forms = allForms(new Set(secrets));
  if (forms.length === 0) return undefined;
  return (text) => {
    if (text.length < leastLength) return text;
    const covered = coverIn(fold(text), forms);
    return covered === undefined ? text : withMasks(text, covered);
  };
}

function allForms(secrets: ReadonlySet<string>): readonly string[] {
  const forms = new Set<string>();
  const add = (form: string): void => void (forms.size < mostForms && forms.add(fold(form)));
  for (const secret of secrets) {
    const value = valueOf(secret);
    if (value.length >= leastLength) add(value);
  }
  for (const secret of secrets) {
    if (forms.size >= mostForms) break;
    formsOf(secret).forEach(add);
  }
  return [...forms];
}

/** 1 for each character of a secret; undefined: there is none. */
function coverIn(text: string, forms: readonly string[]): Uint8Array | undefined {
  let covered: Uint8Array | undefined;
  const cover = (start: number, end: number): void =>
    void (covered ??= new Uint8Array(text.length)).fill(1, start, end);
  const cuts = cutsIn(text);
  for (const form of forms) {
    const head = form.slice(0, headLength);
    for (let at = text.indexOf(head); at >= 0;) {
      let end = at + head.length;
      while (end - at < form.length && text.charCodeAt(end) === form.charCodeAt(end - at)) end += 1;
      cover(at, end);
      at = text.indexOf(head, end);
    }
    for (const cut of cuts) {
      const start = Math.max(0, cut - headLength);
      const end = text.slice(start, cut);
      const least = form.slice(0, leastCut);
      for (let at = end.indexOf(least); at >= 0; at = end.indexOf(least, at + 1)) {
        if (!form.startsWith(end.slice(at))) continue;
        cover(start + at, cut);
        break;
      }
    }
  }
  return covered;
}

/** Where a text may have been cut within a secret. */
function cutsIn(text: string): readonly number[] {
  const cuts = text.length < cutFrom ? [] : [text.length];
  for (let at = text.indexOf(cutMark); at >= 0 && cuts.length < mostCuts; at = text.indexOf(cutMark, at + 1))
    cuts.push(at);
  return cuts;
}

/** One mask for what lies side by side. */
function withMasks(text: string, covered: Uint8Array): string {
  let masked = '';
  let done = 0;
  for (let start = covered.indexOf(1); start >= 0; start = covered.indexOf(1, done)) {
    masked += text.slice(done, start) + mask;
    const end = covered.indexOf(0, start);
    done = end < 0 ? text.length : end;
  }
  return masked + text.slice(done);
}

/** Host names are written in lower case, escapes in either: capitals of ASCII do not count. Positions stay. */
function fold(text: string): string {
  return text.replace(/[A-Z]+/g, (part) => part.toLowerCase());
}

const valueOf = (secret: string): string => secret.trim().toWellFormed();

/** The value, its lines, and what it becomes in addresses, JSON, headers and hexadecimal notation. */
function formsOf(secret: string): readonly string[] {
  const value = valueOf(secret);
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
