/** Reads the structured fields of HTTP (RFC 8941) that signatures use: dictionaries of inner lists and of byte sequences. */
import { decodeBase64 } from './decode-digest.ts';

export type Bare = string | number | boolean;

/** A component or signature with its parameters; `text` is it exactly as written, for the signature base. */
export interface InnerListItem {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, Bare>;
  readonly text: string;
}

export interface InnerList {
  readonly items: readonly InnerListItem[];
  readonly parameters: ReadonlyMap<string, Bare>;
  /** The list with its parameters exactly as written. */
  readonly text: string;
}

const maxLength = 8192;
const maxMembers = 8;
const maxItems = 64;

interface Reader {
  readonly text: string;
  at: number;
}

const key = /[a-z*][a-z0-9_.*-]{0,63}/y;
const string = /"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const integer = /-?\d{1,15}(?![\d.])/y;
const token = /[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]{0,127}/y;
const boolean = /\?([01])/y;

function take(reader: Reader, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = reader.at;
  const match = pattern.exec(reader.text);
  if (match === null) return undefined;
  reader.at += match[0].length;
  return match;
}

const blanks = / */y;
const optionalSpace = /[ \t]*/y;

function readBare(reader: Reader): Bare | undefined {
  const text = take(reader, string)?.[1];
  if (text !== undefined) return text.replaceAll(/\\(["\\])/g, '$1');
  const number = take(reader, integer)?.[0];
  if (number !== undefined) return Number(number);
  const flag = take(reader, boolean)?.[1];
  if (flag !== undefined) return flag === '1';
  return take(reader, token)?.[0];
}

function readParameters(reader: Reader): ReadonlyMap<string, Bare> | undefined {
  const parameters = new Map<string, Bare>();
  while (reader.text[reader.at] === ';') {
    reader.at += 1;
    take(reader, blanks);
    const name = take(reader, key)?.[0];
    if (name === undefined || parameters.has(name) || parameters.size === maxItems) return undefined;
    let value: Bare | undefined = true;
    if (reader.text[reader.at] === '=') {
      reader.at += 1;
      value = readBare(reader);
    }
    if (value === undefined) return undefined;
    parameters.set(name, value);
  }
  return parameters;
}

function readInnerList(reader: Reader): InnerList | undefined {
  const start = reader.at;
  if (reader.text[reader.at] !== '(') return undefined;
  reader.at += 1;
  const items: InnerListItem[] = [];
  for (;;) {
    take(reader, blanks);
    if (reader.text[reader.at] === ')') break;
    const from = reader.at;
    const value = take(reader, string)?.[1];
    const parameters = value === undefined ? undefined : readParameters(reader);
    if (value === undefined || parameters === undefined || items.length === maxItems) return undefined;
    items.push({ value, parameters, text: reader.text.slice(from, reader.at) });
    const next = reader.text[reader.at];
    if (next !== ' ' && next !== ')') return undefined;
  }
  reader.at += 1;
  const parameters = readParameters(reader);
  return parameters === undefined ? undefined : { items, parameters, text: reader.text.slice(start, reader.at) };
}

const byteSequence = /:([A-Za-z0-9+/]*={0,2}):/y;

function readDictionary<Value>(
  text: string,
  readValue: (reader: Reader) => Value | undefined,
): ReadonlyMap<string, Value> | undefined {
  if (text.length > maxLength) return undefined;
  const reader: Reader = { text: text.trim(), at: 0 };
  const members = new Map<string, Value>();
  while (reader.at < reader.text.length) {
    const name = take(reader, key)?.[0];
    if (name === undefined || reader.text[reader.at] !== '=') return undefined;
    reader.at += 1;
    const value = readValue(reader);
    // A label twice: which one was meant is not ours to guess.
    if (value === undefined || members.has(name) || members.size === maxMembers) return undefined;
    members.set(name, value);
    take(reader, optionalSpace);
    if (reader.at === reader.text.length) break;
    if (reader.text[reader.at] !== ',') return undefined;
    reader.at += 1;
    take(reader, optionalSpace);
    if (reader.at === reader.text.length) return undefined;
  }
  return members.size === 0 ? undefined : members;
}

/** `Signature-Input`: labels with their components. */
export const readInnerLists = (text: string): ReadonlyMap<string, InnerList> | undefined =>
  readDictionary(text, readInnerList);

/** `Signature`: labels with their bytes. */
export const readByteSequences = (text: string): ReadonlyMap<string, Buffer> | undefined =>
  readDictionary(text, (reader) => {
    const encoded = take(reader, byteSequence)?.[1];
    return encoded === undefined ? undefined : decodeBase64(encoded);
  });
