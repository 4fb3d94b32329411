/** What a batch of key-value writes comes to: decided in memory from the present values, unit by unit, each whole or not at all. */
import { addInteger } from './add-integer.ts';
import type { KeyValueExpectation, KeyValueWrite, Written } from './store.ts';
import type { KeyValueScope } from './types.ts';

export interface WriteUnit {
  readonly writes: readonly KeyValueWrite[];
  readonly expectations: readonly KeyValueExpectation[];
}

export interface PresentValue {
  readonly value: Uint8Array;
  readonly version: number;
}

/** A key's last state after the batch; no value: it is deleted. */
export interface PlannedWrite {
  readonly scope: KeyValueScope;
  readonly key: string;
  readonly value?: Uint8Array;
  readonly ttlMs?: number;
}

export interface WritePlan {
  readonly answers: readonly Written[];
  readonly changes: readonly PlannedWrite[];
}

export const keyName = ({ namespaceUid, space }: KeyValueScope, key: string): string =>
  JSON.stringify([namespaceUid, space, key]);

/** A value that an earlier unit of the batch wrote has no version yet: whoever expects one must look again. */
const unwritten = -1;

/** `present`: by `keyName`, every key the units name that has a value. */
export function planWrites(units: readonly WriteUnit[], present: ReadonlyMap<string, PresentValue>): WritePlan {
  const values = new Map(present);
  const changes = new Map<string, PlannedWrite>();
  const answers = units.map(({ writes, expectations }): Written => {
    for (const { scope, key, version } of expectations) {
      if ((values.get(keyName(scope, key))?.version ?? 0) !== version) return { kind: 'conflict' };
    }
    const own = new Map<string, PlannedWrite>();
    const valueOf = (name: string): Uint8Array | undefined =>
      own.has(name) ? own.get(name)?.value : values.get(name)?.value;
    const numbers: (number | undefined)[] = [];
    for (const { scope, key, change } of writes) {
      const name = keyName(scope, key);
      let number: number | undefined;
      if (change.kind === 'delete') own.set(name, { scope, key });
      else {
        let value: Uint8Array;
        if (change.kind === 'set') value = change.value;
        else {
          number = addInteger(valueOf(name), change.delta);
          if (number === undefined) return { kind: 'notInteger', key };
          value = Buffer.from(String(number), 'utf8');
        }
        own.set(name, { scope, key, value, ...(change.ttlMs === undefined ? {} : { ttlMs: change.ttlMs }) });
      }
      numbers.push(number);
    }
    for (const [name, change] of own) {
      changes.set(name, change);
      if (change.value === undefined) values.delete(name);
      else values.set(name, { value: change.value, version: unwritten });
    }
    return { kind: 'ok', numbers };
  });
  return { answers, changes: [...changes.values()] };
}
