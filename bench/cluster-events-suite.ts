/**
 * Cluster events at scale against a real API server: 5,000 Pods of which 500 change a second, and functions that are told.
 * Writer, recorder, controller, runtime, API server and etcd are processes of this machine; no node runs the Pods.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareKube } from '../test/kube/build-kube.ts';
import { startControlPlane } from '../test/kube/control-plane.ts';
import { makeAccount, mayWatch } from '../test/kube/event-cluster.ts';
import { eventually } from '../test/builders/eventually.ts';
import { apply, functionPath, webhookFunction, type StatusObject } from '../test/kube/run-controller.ts';
import { bodyOf, clientOf } from '../test/kube/with-control-plane.ts';
import type { RuntimeProcess } from '../test/link/runtime-process.ts';
import { allTold, runPhase } from './cluster-events-phase.ts';
import { endFieldTracking, makePods } from './cluster-events-pod.ts';
import { startRecorder } from './cluster-events-recorder.ts';
import {
  addRuntime,
  prepare,
  setEndpoints,
  startController,
  type Controller,
  type Stage,
} from '../test/kube/cluster-programs.ts';
import type { Measure, Suite } from './measure.ts';

const pods = 5_000;
const longestMs = 120_000;

/**
 * API server and etcd share the processors with what is measured: they collect garbage rarely, and keep no log but what the
 * benchmark reads.
 */
const roomForOthers = {
  environment: { GOGC: '800', GOMEMLIMIT: '4GiB' },
  apiServerFlags: ['--enable-priority-and-fairness=false'],
  auditRules: [{ level: 'Metadata', verbs: ['watch'] }, { level: 'None' }],
};

export const suite: Suite = {
  name: 'cluster-events',
  async run(progress) {
    const kube = await prepareKube();
    const name = 'cluster events through a real API server';
    if (!kube.ok) return [{ name, reason: kube.why }];
    const address = ownAddress();
    if (address === undefined) return [{ name, reason: 'this machine has only loopback, which no function reaches' }];
    const plane = await startControlPlane(kube.binaries, roomForOthers);
    const client = clientOf(plane.kubeconfig);
    const runtimes: RuntimeProcess[] = [];
    const recorder = await startRecorder(address);
    const policy = join(tmpdir(), `moonhook-bench-policy-${process.pid}.yaml`);
    let controller: Controller | undefined;
    try {
      writeFileSync(policy, JSON.stringify({ egress: { grants: [new URL(recorder.url).host] } }));
      await prepare(plane, client);
      controller = await startController(plane, { MOONHOOK_POLICY_FILE: policy });
      const stage: Stage = { plane, client, controller, runtimes };
      runtimes.push(await addRuntime(stage, 'runtime-0'));
      await setEndpoints(stage, runtimes);
      await makeAccount(client, 'team-a', 'hooks');
      await mayWatch(client, 'hooks', { group: '', resource: 'pods' }, 'team-a');
      progress(`${pods} pods`);
      await makePods(client, pods);
      progress('three functions begin with them');
      const empty = controller.residentMB();
      const begun = await begin(stage, recorder.url);
      let mostMB = 0;
      const { residentMB } = controller;
      const look = setInterval(() => (mostMB = Math.max(mostMB, residentMB())), 500);
      try {
        progress('150 changes a second for 12 s');
        const slow = await runPhase(stage, recorder, { name: '150/s', perSecond: 150, seconds: 12 });
        progress('the API server forgets who wrote which field');
        await endFieldTracking(client);
        await allTold(stage, recorder);
        progress('500 changes a second for 20 s');
        const asked = { name: '500/s', perSecond: 500, seconds: 20, goalMs: 1_000 };
        const fast = await runPhase(stage, recorder, asked);
        return [...begun, ...fast, ...slow, ...(await summary(stage, empty, mostMB))];
      } finally {
        clearInterval(look);
      }
    } finally {
      recorder.close();
      for (const runtime of runtimes) await runtime.close();
      await controller?.end();
      await client.close();
      await plane.stop();
      rmSync(policy, { force: true });
    }
  },
};

/** Functions of a cluster never reach loopback. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}

const chosen = { apiVersion: 'v1', kind: 'Pod', labelSelector: { matchLabels: { app: 'load' } } };

/** One is told everything; one wants the same objects and other events; one has another selector, and a filter. */
async function begin({ client, controller }: Stage, url: string): Promise<readonly Measure[]> {
  const code = `return function(event)
  local object = event.data.object
  local told, err = http.post(${JSON.stringify(url)}, {
    json = { name = object.metadata.name, event = event.name, version = object.metadata.resourceVersion },
  })
  if told == nil then error(err.message) end
end`;
  const quiet = 'return function() end';
  const wishes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    everything: { code, kubernetes: { ...chosen, events: ['Added', 'Modified', 'Deleted', 'Left'] } },
    endings: { code: quiet, kubernetes: { ...chosen, events: ['Deleted'] } },
    shard: {
      code: quiet,
      kubernetes: { ...chosen, labelSelector: { matchLabels: { shard: '3' } }, changed: 'object.status.phase' },
    },
  };
  const began = performance.now();
  for (const [name, { code: own, kubernetes }] of Object.entries(wishes)) {
    const triggers = [{ name: 'watched', kubernetes }];
    const spec = { code: own, serviceAccountName: 'hooks', triggers };
    await apply(client, functionPath('team-a', name), webhookFunction(name, spec));
  }
  let status: StatusObject | undefined;
  for (const name of Object.keys(wishes)) {
    await eventually(
      `the trigger of ${name} is ready`,
      async () => {
        status = bodyOf(await client.request<StatusObject>({ path: functionPath('team-a', name) }));
        const triggers = (status.status?.triggers ?? []) as readonly { readonly ready?: boolean }[];
        return triggers.length > 0 && triggers.every(({ ready }) => ready === true);
      },
      () => status?.status,
      longestMs,
    );
  }
  return [
    {
      name: `${pods} pods: three functions applied → baselines committed`,
      value: (performance.now() - began) / 1000,
      unit: 's',
      note: `${await controller.metric('kubernetes_trigger_watches')} watches, ${await controller.metric('kubernetes_trigger_objects')} objects copied`,
    },
  ];
}

async function summary({ plane, controller }: Stage, emptyMB: number, mostMB: number): Promise<readonly Measure[]> {
  const opened = watchesOpened(plane.folder);
  const copied = Math.round(await controller.metric('kubernetes_trigger_objects'));
  return [
    {
      name: 'watches of Pods opened, for two distinct selectors of one account',
      value: opened.distinct,
      unit: '',
      goal: { compare: '<=', value: 2 },
      note: `${opened.all} opened in all, by the API server's audit log`,
    },
    {
      name: 'memory of the controller, at most',
      value: mostMB,
      unit: 'MB',
      note: `${emptyMB.toFixed(0)} MB before the triggers; ${copied} objects copied at the end`,
    },
  ];
}

interface AuditedWatch {
  readonly verb: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly impersonatedUser?: { readonly username: string };
}

function watchesOpened(folder: string): { readonly all: number; readonly distinct: number } {
  const watched = readFileSync(join(folder, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"verb":"watch"') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as AuditedWatch)
    .filter(({ stage, requestURI, impersonatedUser }) => {
      // The benchmark's own is nobody else's.
      return stage === 'ResponseStarted' && impersonatedUser !== undefined && requestURI.includes('/team-a/pods?');
    })
    .map(({ requestURI, impersonatedUser }) => {
      const query = new URL(requestURI, 'http://localhost').searchParams;
      return `${impersonatedUser?.username} ${query.get('labelSelector')} ${query.get('fieldSelector')}`;
    });
  return { all: watched.length, distinct: new Set(watched).size };
}
