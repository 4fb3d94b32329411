/** How long nobody writes statuses: the leading controller is killed, and another one ends as a rollout ends it. */
import { prepareKube } from '../test/kube/build-kube.ts';
import { prepare, startController, type Controller } from '../test/kube/cluster-programs.ts';
import { startControlPlane } from '../test/kube/control-plane.ts';
import { eventually } from '../test/builders/eventually.ts';
import { apply, conditionStands, functionPath, webhookFunction } from '../test/kube/run-controller.ts';
import { clientOf } from '../test/kube/with-control-plane.ts';
import type { Measure, Suite } from './measure.ts';

const name = 'a leader goes: the next one’s first status';

export const suite: Suite = {
  name: 'leader',
  async run(progress) {
    const kube = await prepareKube();
    if (!kube.ok) return [{ name, reason: kube.why }];
    const plane = await startControlPlane(kube.binaries);
    const client = clientOf(plane.kubeconfig);
    let replicas: Controller[] = [];
    const measures: Measure[] = [];
    const start = async (pod: string): Promise<void> => {
      replicas.push(await startController(plane, { POD_NAME: pod }));
    };
    /** The one that leads ends so; from then on until a function that was applied at once is judged. */
    const judgedAfter = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number> => {
      const leader = await eventually('one leads', async () => {
        for (const each of replicas) if ((await each.metric('controller_leader')) === 1) return each;
        return undefined;
      });
      replicas = replicas.filter((each) => each !== leader);
      const began = performance.now();
      const ended = leader.end(signal);
      const path = functionPath('team-a', signal.toLowerCase());
      const greedy = { code: 'return function() end', limits: { memory: '64Gi' } };
      await apply(client, path, webhookFunction(signal.toLowerCase(), greedy));
      await conditionStands(client, path, 'Accepted=False/PolicyDenied');
      await ended;
      return (performance.now() - began) / 1000;
    };
    try {
      await prepare(plane, client);
      await start('controller-0');
      await start('controller-1');
      progress('the leader ends, and gives its lease back');
      measures.push({
        name: `${name}, when it gave its lease back`,
        value: await judgedAfter('SIGTERM'),
        unit: 's',
        goal: { compare: '<=', value: 3 },
        note: 'from SIGTERM to the status of a function that was applied then',
      });
      await start('controller-2');
      progress('the leader is killed');
      measures.push({
        name: `${name}, when it was killed`,
        value: await judgedAfter('SIGKILL'),
        unit: 's',
        goal: { compare: '<=', value: 20 },
        note: 'a lease lasts 15 s',
      });
      return measures;
    } finally {
      for (const replica of replicas) await replica.end();
      await client.close();
      await plane.stop();
    }
  },
};
