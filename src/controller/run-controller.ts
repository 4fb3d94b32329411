/** The controller as a program: one replica, its health and metrics, and the parts that run beside it. */
import { randomUUID } from 'node:crypto';
import { errorMessage } from '../failures/error-message.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { readInstallationPolicy, type ControllerSettings } from '../settings/controller-settings.ts';
import { controllerMetricsCatalogue, type ControllerMetricName } from '../telemetry/controller-metrics.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createMetricsOf } from '../telemetry/metrics.ts';
import { openAdminListener } from './admin-http.ts';
import { createClock, type Clock } from './clock.ts';
import { collectControllerMetrics } from './collect-metrics.ts';
import { followPolicy } from './follow-policy.ts';
import { createCallCounts, type CallCounts } from './host-calls/count-calls.ts';
import { whyDead, whyNotReady } from './judge-health.ts';
import { createKubeClient, type KubeClient } from './kube-client.ts';
import { createCredentialReader } from './kube-credentials.ts';
import { startController, type Controller } from './start-controller.ts';

/** What a part that runs beside the controller is given: the links, the aggregated API, cluster events. */
export interface PartContext {
  readonly controller: Controller;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly settings: ControllerSettings;
  readonly log: Logger;
  /** Counts a Kubernetes call of a function. */
  countCall: CallCounts['add'];
  /** Counts rows that runtimes answered with and that nobody was shown. */
  countRefusedRows(rows: number): void;
  /** In force now; the same object until it changes. */
  policy(): InstallationPolicy;
}

/** Answers what ends it. It is started before the replica says that it is ready. */
export type StartPart = (context: PartContext) => Promise<{ close(): Promise<void> }>;

export interface RunningProgram {
  readonly controller: Controller;
  readonly adminPort: number;
  /** Fails readiness, ends the parts, gives the lease back. */
  stop(): Promise<void>;
}

export type RunResult =
  | { readonly ok: true; readonly program: RunningProgram }
  | { readonly ok: false; readonly mistakes: readonly string[] };

export async function runController(options: {
  readonly settings: ControllerSettings;
  readonly log: Logger;
  readonly version: string;
  readonly parts: readonly StartPart[];
}): Promise<RunResult> {
  const { settings, log, version, parts } = options;
  const { kubeconfig, namespace, installation, pod, runtimeService, admin } = settings;
  const first = readInstallationPolicy(settings);
  if (!first.ok) return first;
  const clock = createClock();
  const source = kubeconfig === undefined ? { kind: 'inCluster' as const } : { kind: 'file' as const, ...kubeconfig };
  const client = createKubeClient(createCredentialReader(source, clock.now), `moonhook-controller/${version}`);
  const stopping = new AbortController();
  const policy = followPolicy({
    first,
    read: () => readInstallationPolicy(settings),
    clock,
    signal: stopping.signal,
    onChange: () => {
      log.info('the policy has changed');
      controller.policyChanged();
    },
    onMistakes: (mistakes) => {
      for (const mistake of mistakes) log.error('the policy is not taken: the last good one stays', { mistake });
    },
  });
  const controller = startController({
    client,
    clock,
    log,
    namespace,
    lease: `${installation}-controller`,
    identity: `${pod}_${randomUUID()}`,
    runtimeService,
    rights: {
      account: `system:serviceaccount:${namespace}:${installation}-controller`,
      tenantRole: `${installation}-tenant`,
    },
    policy: () => policy.current(),
  });
  const calls = createCallCounts();
  let refusedRows = 0;
  const countRefusedRows = (rows: number): void => void (refusedRows += rows);
  const started: { close(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const part of started.toReversed()) await part.close();
    await controller.stop();
    await client.close();
  };
  let partsStarted = false;
  try {
    const listener = await openAdminListener({
      ...admin,
      metrics: createMetricsOf<ControllerMetricName>(controllerMetricsCatalogue, (sample) =>
        collectControllerMetrics(controller, { calls, refusedRows, policyRefused: policy.refused() }, sample),
      ),
      alive: () => whyDead(controller.stats()),
      ready: () => {
        if (stopping.signal.aborted) return 'it ends';
        return partsStarted ? whyNotReady(controller.stats()) : 'it starts';
      },
    });
    started.push(listener);
    for (const start of parts)
      started.push(
        await start({
          controller,
          client,
          clock,
          settings,
          log,
          countCall: calls.add,
          countRefusedRows,
          policy: () => policy.current(),
        }),
      );
    partsStarted = true;
    log.info('the controller runs', { namespace, installation, pod, version });
    return { ok: true, program: { controller, adminPort: listener.port, stop } };
  } catch (error) {
    await stop();
    return { ok: false, mistakes: [errorMessage(error)] };
  }
}
