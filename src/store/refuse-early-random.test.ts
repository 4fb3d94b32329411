/** An early refusal must be what the append itself would have answered, and leave the same rows, whatever comes together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultDisk } from './disk-guard.ts';
import { defaultRetention } from './retention.ts';
import type { SqliteStore } from './sqlite-operations.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { AppendItem, Appended, Ending, Lease, NewDelivery } from './store.ts';

const namespaces = ['rows', 'bytes', 'free'] as const;
const runs = 60;
const turnsOfEach = 30;

/** Numerical Recipes' generator: the same steps on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Steps {
  readonly random: () => number;
  #events = 0;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  pick<Each>(all: readonly Each[]): Each {
    return all[this.below(all.length)] as Each;
  }

  destination(namespaceUid: string): string {
    return `${namespaceUid}/${this.pick(['f', 'g'])}/trigger:t`;
  }

  delivery(namespaceUid: string): NewDelivery {
    return {
      destination: this.destination(namespaceUid),
      ...(this.chance(0.2) ? { orderKey: this.pick(['k', 'l']), supersede: this.chance(0.5) } : {}),
      ...(this.chance(0.15) ? { eagerMs: 100 } : {}),
      ...(this.chance(0.1) ? { delayMs: 30 } : {}),
    };
  }

  item(): AppendItem {
    const namespaceUid = this.pick(['rows', ...namespaces]);
    const id = this.chance(0.15) && this.#events > 0 ? `e${this.below(this.#events)}` : `e${this.#events++}`;
    const key = this.chance(0.4) ? `k${this.below(6)}` : id;
    const duplicate = { endpoint: namespaceUid, key, windowMs: this.pick([40, 1e6]), rerun: this.chance(0.2) };
    const body = new Uint8Array(this.below(200));
    return {
      event: { id, namespaceUid, type: 't', source: '/', attributes: '{}', body },
      deliveries: Array.from({ length: this.pick([0, 1, 1, 1, 1, 2]) }, () => this.delivery(namespaceUid)),
      ...(this.chance(0.6) ? { duplicate: { ...duplicate, oneBody: this.chance(0.2) } } : {}),
      ...(this.chance(0.1) ? { owed: true as const } : {}),
      ...(this.chance(0.1) ? { known: true as const } : {}),
    };
  }
}

/** What one side did and holds. */
class Side {
  readonly #owner: ReturnType<typeof openSqliteStore>;
  readonly #refusesEarly: boolean;
  readonly #leased: Lease[] = [];
  refused = 0;

  constructor(now: () => number, refusesEarly: boolean) {
    const clock = { wall: now, monotonic: now };
    this.#owner = openSqliteStore({ path: ':memory:', retention: defaultRetention, disk: defaultDisk }, clock);
    this.#refusesEarly = refusesEarly;
  }

  turn(steps: readonly Step[]): readonly unknown[] {
    const answers: unknown[] = [];
    this.#owner.turn(
      steps.map((step, index) => ({
        ...('append' in step ? { arrived: 1 } : {}),
        ...('append' in step && this.#refusesEarly ? { appends: step.append } : {}),
        run: (store) => this.#run(step, store),
        done: (value) => {
          answers[index] = value;
          // Not while it runs: what runs beside one that is undone runs twice.
          if ('append' in step) for (const { leased } of value as readonly Appended[]) this.#leased.push(...leased);
          if ('lease' in step) this.#leased.push(...(value as readonly Lease[]));
        },
        failed: (error) => {
          this.refused += 1;
          answers[index] = error.constructor.name;
        },
      })),
    );
    return answers;
  }

  #run(step: Step, store: SqliteStore): unknown {
    if ('append' in step) return store.append(step.append);
    if ('lease' in step) return store.lease([{ destination: step.lease, max: 2 }], 1e6);
    if ('cancel' in step) return store.cancel({ namespaceUid: step.cancel });
    const lease = this.#leased.shift();
    return lease === undefined ? [] : store.settle([{ receipt: lease.receipt, ending: step.settle }]);
  }

  ask<Value>(run: (store: SqliteStore) => Value): Value {
    const answers: Value[] = [];
    this.#owner.turn([{ run, done: (value) => answers.push(value as Value), failed: (error) => assert.fail(error) }]);
    return answers[0] as Value;
  }

  state(): unknown {
    return this.ask((store) => [
      namespaces.flatMap((namespaceUid) =>
        store
          .read({ namespaceUid }, { limit: 1000 })
          .map(({ eventId, destination, state, generation }) => `${eventId} ${destination} ${state} ${generation}`)
          .toSorted(),
      ),
      namespaces.map((namespaceUid) => store.usage(namespaceUid)),
      store.counts(),
      store
        .heads()
        .map(({ destination, dueInMs }) => `${destination} ${dueInMs}`)
        .toSorted(),
    ]);
  }

  close(): void {
    this.#owner.close();
  }
}

type Step =
  | { readonly append: readonly AppendItem[] }
  | { readonly lease: string }
  | { readonly cancel: string }
  | { readonly settle: Ending };

function stepOf(steps: Steps): Step {
  const kind = steps.random();
  if (kind < 0.75) {
    const count = steps.chance(0.7) ? 1 : 1 + steps.below(4);
    return { append: Array.from({ length: count }, () => steps.item()) };
  }
  if (kind < 0.85) return { lease: steps.destination(steps.pick(namespaces)) };
  if (kind < 0.9) return { cancel: steps.pick(namespaces) };
  return { settle: steps.chance(0.5) ? { kind: 'done' } : { kind: 'dead', reason: 'R', error: '' } };
}

/** Numbers of deliveries differ: what is undone leaves a gap. */
const withoutNumbers = (answers: readonly unknown[]): string =>
  JSON.stringify(answers, (name, value: unknown) => (name === 'delivery' || name === 'body' ? undefined : value));

test('early refusals answer as the append would, and leave the same rows, sums and heads', () => {
  let refused = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    const steps = new Steps(seed);
    let now = 1000;
    const [early, plain] = [new Side(() => now, true), new Side(() => now, false)];
    const all = { waitingRows: 1e6, waitingBytes: 1e9, keyValueBytes: 1e9 };
    const rows = { ...all, waitingRows: 1 + steps.below(5) };
    const bytes = { ...all, waitingBytes: 500 + steps.below(2000) };
    for (const side of [early, plain]) side.ask((store) => store.setQuotas({ all, byNamespace: { rows, bytes } }));
    for (let turn = 0; turn < turnsOfEach; turn += 1) {
      now += steps.below(50);
      const together = Array.from({ length: 1 + steps.below(10) }, () => stepOf(steps));
      const where = `seed ${seed}, turn ${turn}`;
      assert.equal(withoutNumbers(early.turn(together)), withoutNumbers(plain.turn(together)), where);
      assert.deepEqual(early.state(), plain.state(), where);
    }
    refused += early.refused;
    early.close();
    plain.close();
  }
  assert.ok(refused > 1000, `control: ${refused} were refused`);
});
