/** What is said of the addresses of tenants' own Services over the link, under the topic `services`. */

/** Of each namespace. */
export interface LeasedServices {
  readonly services: Readonly<Record<string, readonly string[]>>;
  /** The same for the same addresses. */
  readonly digest: string;
}

/** What a runtime has; undefined: nothing. */
export interface ServicesQuestion {
  readonly digest?: string;
}

/** They hold for so long from the moment they were asked for; `services` is absent where the runtime has them. */
export interface ServicesAnswer {
  readonly digest: string;
  readonly forMs: number;
  readonly services?: LeasedServices['services'];
}

/**
 * After it an address may have been given to a Service of somebody else. Long enough for the other replica to be asked while
 * one restarts, several times.
 */
export const serviceLeaseMs = 10_000;
