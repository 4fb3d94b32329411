/**
 * Addresses of tenants' own Services, leased from the controllers: asked for again and again, and not kept beyond the lease.
 * What the policy itself says of them is left out, so no table file holds any.
 */
import type { Answer } from '../../link/exchange.ts';
import type { LinkClock } from '../../link/link-peer.ts';
import {
  serviceLeaseMs,
  type LeasedServices,
  type ServicesAnswer,
  type ServicesQuestion,
} from '../../link/service-lease.ts';
import type { InstallationPolicy } from '../../policy/installation-policy.ts';
import { opensServices, withServices } from '../../policy/namespace-egress.ts';

export interface ServiceLease {
  /** Brings a policy into force, with the addresses that are leased now. */
  setPolicy(policy: InstallationPolicy): Promise<void>;
  close(): void;
}

const renewEveryMs = 2_000;

export function createServiceLease(options: {
  /** Puts a policy into force. */
  apply(policy: InstallationPolicy): Promise<void>;
  /** Asks every controller that has a link. */
  ask(question: ServicesQuestion): readonly Promise<Answer>[];
  readonly clock: LinkClock;
  onFailed(error: unknown): void;
}): ServiceLease {
  const { apply, ask, clock } = options;
  let policy: InstallationPolicy | undefined;
  let held: (LeasedServices & { readonly until: number }) | undefined;
  let applied: { readonly policy: InstallationPolicy; readonly digest: string | undefined } | undefined;
  let asking: Promise<void> | undefined;
  let stopEnd = (): void => undefined;

  async function bring(): Promise<void> {
    if (policy === undefined) return;
    const digest = held?.digest;
    if (applied?.policy === policy && applied.digest === digest) return;
    applied = { policy, digest };
    await apply(withServices(policy, held?.services));
  }

  const bringLater = (): void => void bring().catch((error: unknown) => options.onFailed(error));

  function end(): void {
    stopEnd();
    held = undefined;
    bringLater();
  }

  function take(answer: Answer, askedAt: number): boolean {
    if (!answer.ok || policy === undefined || !opensServices(policy)) return false;
    const {
      digest,
      forMs,
      services = held?.digest === digest ? held.services : undefined,
    } = answer.body as ServicesAnswer;
    const until = askedAt + Math.min(forMs, serviceLeaseMs);
    if (services === undefined || until <= clock.now()) return false;
    held = { digest, services, until };
    stopEnd();
    stopEnd = clock.after(until - clock.now(), end);
    return true;
  }

  /** Resolves with the first answer that counts, or when none did. */
  function renew(): Promise<void> {
    asking ??= new Promise<void>((resolve) => {
      const askedAt = clock.now();
      // One that hangs keeps nobody from asking the others again.
      const goOn = (): void => {
        asking = undefined;
        resolve();
      };
      const answers = ask(held === undefined ? {} : { digest: held.digest }).map(async (answer) => {
        if (!take(await answer, askedAt)) return;
        bringLater();
        goOn();
      });
      void Promise.all(answers).then(goOn);
    });
    return asking;
  }

  const stopRenewing = clock.every(renewEveryMs, () => {
    if (policy !== undefined && opensServices(policy)) void renew();
  });

  return {
    async setPolicy(next) {
      policy = next;
      if (!opensServices(next)) {
        stopEnd();
        held = undefined;
      }
      // A runtime that starts is ready with what its functions may reach.
      else if (held === undefined) await renew();
      await bring();
    },
    close() {
      policy = undefined;
      stopRenewing();
      stopEnd();
    },
  };
}
