/** Answers runtimes that ask which Services are open: as long as this replica is certain of them. */
import type { Answer } from '../../link/exchange.ts';
import { serviceLeaseMs, type LeasedServices, type ServicesAnswer } from '../../link/service-lease.ts';

/** `current` answers undefined where the watch has heard nothing for too long. */
export function leaseServices(current: () => LeasedServices | undefined, body: unknown): Answer {
  const held = current();
  if (held === undefined) return { ok: false, code: 'Failed', message: 'the watch of Services is not certain now' };
  const { digest, services } = held;
  const { digest: known } = (body ?? {}) as { readonly digest?: unknown };
  const answer: ServicesAnswer = { digest, forMs: serviceLeaseMs, ...(known === digest ? {} : { services }) };
  return { ok: true, body: answer };
}
