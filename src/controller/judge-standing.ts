/** How each resource stands: the API server's last word of it, and what this replica would write into its status now. */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { groupsLeftBy } from '../policy/runtime-groups.ts';
import type { FunctionVerdict } from '../routing/types.ts';
import type { AdmittedResources } from './admitted-resources.ts';
import type { Clock } from './clock.ts';
import { desiredStatus, type StatusFacts } from './desired-status.ts';
import { reportRuntimes } from './report-runtimes.ts';
import type { TableLoop } from './table-loop.ts';
import type { Acknowledgements, RuntimeEndpoints } from './types.ts';
import type { ResourceKind, ResourceStatus, WatchedObject } from './watched-resources.ts';

export interface Standing {
  readonly kind: ResourceKind;
  readonly object: WatchedObject;
  /** Undefined: it was not built yet. */
  readonly verdict: FunctionVerdict | undefined;
  readonly status: ResourceStatus | undefined;
}

export interface StandingJudge {
  /** The status it should have; undefined: nothing can be said yet. */
  desired(uid: string, current: ResourceStatus | undefined): ResourceStatus | undefined;
  /** All functions and subscriptions. */
  standings(): Iterable<Standing>;
}

export function createStandingJudge(options: {
  readonly resources: Pick<AdmittedResources, 'object' | 'uids'>;
  readonly loop: Pick<TableLoop, 'verdict' | 'current'>;
  readonly endpoints: RuntimeEndpoints;
  readonly clock: Clock;
  policy(): InstallationPolicy;
  acknowledgements(): Acknowledgements | undefined;
  triggers(uid: string): StatusFacts['triggers'];
}): StandingJudge {
  const { resources, loop, endpoints, clock } = options;
  const desired: StandingJudge['desired'] = (uid, current) => {
    const verdict = loop.verdict(uid);
    const ready = endpoints.current();
    if (verdict === undefined || ready === undefined) return undefined;
    const acknowledgements = options.acknowledgements();
    return desiredStatus({
      verdict,
      leaving: groupsLeftBy(options.policy(), verdict.namespace),
      entry: loop.current()?.functions.get(uid),
      runtimes: reportRuntimes(verdict, ready, acknowledgements?.runtimes() ?? []),
      triggers: options.triggers(uid),
      schedules: acknowledgements?.scheduleTimes(uid),
      health: acknowledgements?.subscriptionHealth(uid),
      current,
      now: new Date(clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z'),
    });
  };
  return {
    desired,
    *standings() {
      for (const uid of resources.uids()) {
        const known = resources.object(uid);
        if (known === undefined) continue;
        const { kind, object } = known;
        yield { kind, object, verdict: loop.verdict(uid), status: desired(uid, object.status) ?? object.status };
      }
    },
  };
}
