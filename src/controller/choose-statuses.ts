/** Which statuses are looked at when something happened: verdicts, endpoints, leadership, what runtimes say. */
import type { Logger } from '../telemetry/logger.ts';
import type { AdmittedResources } from './admitted-resources.ts';
import type { Clock } from './clock.ts';
import { isHeeded, refusedByNew, reportRuntimes } from './report-runtimes.ts';
import type { TableLoop } from './table-loop.ts';
import type { ProgrammingTimes } from './time-programming.ts';
import type { Acknowledgements, Leadership, RuntimeEndpoint, RuntimeEndpoints } from './types.ts';

export interface StatusChoiceOptions {
  readonly resources: AdmittedResources;
  readonly loop: TableLoop;
  readonly endpoints: RuntimeEndpoints;
  readonly leadership: Leadership;
  readonly times: ProgrammingTimes;
  readonly clock: Clock;
  readonly log: Logger;
  touch(uids: readonly string[]): void;
}

/** Answers what is to be called once with the acknowledgements, when there are links. */
export function chooseStatuses(options: StatusChoiceOptions): (acknowledgements: Acknowledgements) => void {
  const { resources, loop, endpoints, leadership, times, clock, log, touch } = options;
  let linked: Acknowledgements['runtimes'] = () => [];

  const unsettled = (): readonly string[] =>
    [...resources.uids()].filter((uid) => {
      const conditions = resources.object(uid)?.object.status?.conditions;
      return conditions?.find(({ type }) => type === 'Programmed')?.status !== 'True';
    });
  const isProgrammed = (uid: string): boolean => {
    const verdict = loop.verdict(uid);
    if (verdict === undefined) return false;
    const { revision } = verdict;
    const reports = reportRuntimes(verdict, endpoints.current() ?? [], linked());
    return reports.length > 0 && reports.every(({ acknowledgement }) => acknowledgement?.revision === revision);
  };

  loop.onVerdicts(touch);
  let before: readonly RuntimeEndpoint[] | undefined;
  endpoints.subscribe(() => {
    const now = endpoints.current() ?? [];
    // Before the first list nothing could be said of anything.
    const news =
      before === undefined ? [...resources.uids()] : [...unsettled(), ...refusedByNew(before, now, linked())];
    before = now;
    touch(news);
  });
  leadership.subscribe(() => {
    log.info(leadership.leading ? 'leading' : 'no longer leading', { epoch: leadership.epoch });
    if (leadership.leading) touch([...resources.uids()]);
  });
  return (acknowledgements) => {
    linked = () => acknowledgements.runtimes();
    acknowledgements.subscribe((change) => {
      const uids = change.kind === 'runtimes' ? unsettled() : change.uids;
      for (const uid of uids) if (times.waits(uid) && isProgrammed(uid)) times.programmed(uid, clock.now());
      if (isHeeded(change, endpoints.current() ?? [])) touch(uids);
    });
  };
}
