/** Deliveries that leave the installation: webhooks of subscriptions, and callbacks. */
import type { Attempt, GivenBack } from '../delivery/run-attempts.ts';
import { parseOutgoing } from '../delivery/outgoing-destination.ts';
import type { Lease } from '../store/store.ts';
import { runCallback } from './run-callback.ts';
import { runWebhook } from './run-webhook.ts';
import type { WorkerParts } from './worker-parts.ts';

export function isOutgoing(destination: string): boolean {
  return parseOutgoing(destination) !== undefined;
}

export function runOutgoing(lease: Lease, signal: AbortSignal, parts: WorkerParts): Promise<Attempt | GivenBack> {
  return parseOutgoing(lease.destination)?.kind === 'callback'
    ? runCallback(lease, signal, parts)
    : runWebhook(lease, signal, parts);
}
