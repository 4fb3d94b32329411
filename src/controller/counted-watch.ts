/** What is counted and logged of each watch. */
import type { Logger } from '../telemetry/logger.ts';
import type { Clock } from './clock.ts';
import type { KubeObject } from './kube-object.ts';
import type { Reflector, ReflectorListener } from './reflector.ts';

export interface WatchStats {
  readonly resource: string;
  readonly synced: boolean;
  /** Since the API server last said anything; undefined: it has not yet. */
  readonly silentMs: number | undefined;
  /** It waits after a failure. */
  readonly failing: boolean;
  readonly restarts: Readonly<Record<string, number>>;
  readonly drift: number;
}

export type WatchReport = Required<
  Pick<ReflectorListener<KubeObject>, 'onRestart' | 'onDrift' | 'onFailure' | 'onFault'>
>;

export interface CountedWatch {
  readonly report: WatchReport;
  stats(reflector: Reflector<KubeObject>, clock: Clock): WatchStats;
}

export function countWatch(resource: string, log: Logger): CountedWatch {
  const restarts: Record<string, number> = {};
  let drift = 0;
  return {
    report: {
      onRestart: (reason) => {
        restarts[reason] = (restarts[reason] ?? 0) + 1;
        log.debug('a watch is opened anew', { resource, reason });
      },
      onDrift: (objects) => {
        drift += objects;
        log.error('the copy of a collection had drifted', { resource, objects });
      },
      onFailure: ({ reason, message }) =>
        log.warn('the API server did not answer a watch', { resource, reason, error: message }),
      onFault: (error) =>
        log.error('a listener of a watch failed', {
          resource,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    },
    stats: ({ synced, lastHeardAt, failure }, clock) => ({
      resource,
      synced,
      silentMs: lastHeardAt === undefined ? undefined : clock.now() - lastHeardAt,
      failing: failure !== undefined,
      restarts,
      drift,
    }),
  };
}
