/**
 * What is believed of the rows a runtime answers with: those of the namespace and function that were asked about, or without
 * a namespace those of one that its group serves. A runtime may be taken over: it would tell others' users what it likes.
 */
import { isObject } from '../../function/is-object.ts';
import type { AskedNamespace } from '../../link/live-questions.ts';
import type { ApiParts, Fields } from './handler.ts';

export interface RowBorder {
  readonly namespace: AskedNamespace | undefined;
  /** In the terms of the runtimes: `name`, `subscription`, `trigger`. */
  readonly question?: Readonly<Record<string, string>>;
  /** Whether the group that answers may tell of the namespace of this name. */
  serves(namespace: string): boolean;
}

export interface BelievedRows {
  readonly rows: readonly Fields[];
  readonly refused: number;
}

/** Which namespaces a group of runtimes may tell of. */
export function servedBy({ groupsOf }: Pick<ApiParts, 'groupsOf'>, group: string): RowBorder['serves'] {
  return (name) => groupsOf({ name, uid: '' }).includes(group);
}

/** Call records, and calls that run. */
export function believeCalls(rows: unknown, border: RowBorder): BelievedRows {
  const { namespace, question = {} } = border;
  return believe(rows, (row) => {
    if (!isName(row['callId']) || !isTime(row['time'])) return false;
    const asked = [
      ['functionName', question['name']],
      ['subscription', question['subscription']],
      ['trigger', question['trigger']],
    ] as const;
    if (asked.some(([field, value]) => value !== undefined && row[field] !== value)) return false;
    const uid = row['namespaceUid'];
    if (namespace !== undefined && uid !== undefined && uid !== namespace.uid) return false;
    return isWithin(row['namespace'], border);
  });
}

/** Deliveries, as objects of this API. */
export function believeDeliveries(rows: unknown, border: RowBorder): BelievedRows {
  return believe(rows, ({ metadata }) => {
    if (!isObject(metadata)) return false;
    const { name, namespace, creationTimestamp = '' } = metadata;
    if (typeof name !== 'string' || !/^dlv-[1-9][0-9]{0,14}$/.test(name)) return false;
    // A delivery always has a namespace; requests that met no function have none.
    return typeof creationTimestamp === 'string' && namespace !== undefined && isWithin(namespace, border);
  });
}

function isWithin(name: unknown, { namespace, serves }: RowBorder): boolean {
  if (namespace !== undefined) return name === namespace.name;
  return name === undefined || (typeof name === 'string' && serves(name));
}

function believe(rows: unknown, isBelieved: (row: Fields) => boolean): BelievedRows {
  if (!Array.isArray(rows)) return { rows: [], refused: 1 };
  const believed = rows.filter((row): row is Fields => isObject(row) && isBelieved(row));
  return { rows: believed, refused: rows.length - believed.length };
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= 512;
/** ECMA-262 §21.4.1.1: what a Date can hold. */
const isTime = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) <= 8.64e15;
