/** What the other end of a port has leased and not given up: it is given back when the thread there ends. */
import type { StoreRequest } from './sqlite-thread.ts';
import type { Appended, Lease, Receipt, Settled, SettleItem } from './store.ts';

export class HeldLeases {
  /** Delivery → epoch of its lease. Numbers only: former tables of a map keep what was in them. */
  readonly #held = new Map<number, number>();

  /** What an answered request changed. */
  note({ operation, arguments: [first] }: StoreRequest, answer: unknown): void {
    if (operation === 'lease') this.#add(answer as readonly Lease[]);
    else if (operation === 'append') for (const { leased } of answer as readonly Appended[]) this.#add(leased);
    else if (operation === 'settle') {
      for (const [index, { receipt }] of (first as readonly SettleItem[]).entries()) {
        const settled = (answer as readonly Settled[])[index];
        if (settled === 'ok' || settled === 'stale') this.#drop(receipt);
      }
    } else if (operation === 'release') for (const receipt of first as readonly Receipt[]) this.#drop(receipt);
    else if (operation === 'extend') for (const lost of answer as readonly Receipt[]) this.#drop(lost);
  }

  all(): readonly Receipt[] {
    return Array.from(this.#held, ([delivery, epoch]) => ({ delivery, epoch }));
  }

  #add(leases: readonly Pick<Lease, 'receipt'>[]): void {
    for (const { receipt } of leases) this.#held.set(receipt.delivery, receipt.epoch);
  }

  /** The row may have lapsed meanwhile, and been leased here again. */
  #drop({ delivery, epoch }: Receipt): void {
    if (this.#held.get(delivery) === epoch) this.#held.delete(delivery);
  }
}
