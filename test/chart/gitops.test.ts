/** What ships for Argo CD and Kustomize does there what it says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { hostBench, type HostBench } from '../builders/host-engine.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import type { KubeObject } from './render-chart.ts';

const charts = join(import.meta.dirname, '..', '..', 'charts');

describe('the health script for Argo CD', () => {
  let bench: HostBench;
  before(async () => {
    bench = await hostBench();
  });
  after(() => bench.close());
  const script = readFileSync(join(charts, 'argocd', 'health.lua'), 'utf8');

  /** Argo CD runs the script with the object as `obj` and takes the status of the table it returns. */
  const health = (object: object): Promise<string> =>
    bench.text(
      `local function judge(obj) ${script} end
      return judge(json.decode([==[${JSON.stringify(object)}]==])).status`,
    );

  const object = (spec: object, conditions?: readonly object[]): object => ({
    metadata: { generation: 2 },
    spec,
    ...(conditions === undefined ? {} : { status: { conditions } }),
  });
  const condition = (type: string, status: string, observedGeneration = 2): object => ({
    type,
    status,
    observedGeneration,
    reason: 'Because',
    message: 'of something',
  });

  const cases: readonly (readonly [name: string, object: object, expected: string])[] = [
    ['nobody has judged', object({}), 'Progressing'],
    ['the default of the schema stands', object({}, [condition('Ready', 'Unknown', 0)]), 'Progressing'],
    ['the verdict is about the generation before', object({}, [condition('Ready', 'True', 1)]), 'Progressing'],
    ['it is ready', object({}, [condition('Ready', 'True')]), 'Healthy'],
    ['it is not ready', object({}, [condition('Ready', 'False')]), 'Degraded'],
    ['only its user can help', object({}, [condition('Stalled', 'True'), condition('Ready', 'False')]), 'Degraded'],
    ['it is suspended', object({ suspend: true }, [condition('Ready', 'False')]), 'Suspended'],
  ];
  for (const [name, resource, expected] of cases) {
    test(`says ${expected} while ${name}`, async () => {
      assert.equal(await health(resource), expected);
    });
  }
});

test('Kustomize follows the names it makes for ConfigMaps and Secrets into functions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-kustomize-'));
  try {
    copyFileSync(join(charts, 'kustomize', 'kustomizeconfig.yaml'), join(folder, 'kustomizeconfig.yaml'));
    writeFileSync(join(folder, 'deploy.lua'), 'return function() end\n');
    writeFileSync(
      join(folder, 'kustomization.yaml'),
      `resources: [hook.yaml]
namePrefix: staging-
configurations: [kustomizeconfig.yaml]
configMapGenerator: [{ name: hooks, files: [deploy.lua] }]
secretGenerator: [{ name: github, literals: [key=0123456789abcdef] }]
`,
    );
    writeFileSync(
      join(folder, 'hook.yaml'),
      `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: deploy }
spec:
  codeFrom: { configMapKeyRef: { name: hooks, key: deploy.lua } }
  modulesFrom: [{ configMapRef: { name: hooks } }]
  triggers:
    - name: push
      http: { path: deploy, receiver: { github: { secretRefs: [{ name: github, key: key }] } } }
`,
    );
    const result = spawnSync(kubeTools().kubectl, ['kustomize', folder], { encoding: 'utf8' });
    assert.equal(result.status, 0, result.stderr);
    const objects = parseAllDocuments(result.stdout).map((document) => document.toJS() as KubeObject);
    const named = (kind: string): string => objects.find((object) => object.kind === kind)?.metadata.name ?? '';
    assert.match(named('ConfigMap'), /^staging-hooks-\w+$/);
    const hook = objects.find(({ kind }) => kind === 'WebhookFunction');
    assert.ok(hook);
    const { codeFrom, modulesFrom, triggers } = hook['spec'];
    assert.equal(codeFrom.configMapKeyRef.name, named('ConfigMap'));
    assert.equal(modulesFrom[0].configMapRef.name, named('ConfigMap'));
    assert.equal(triggers[0].http.receiver.github.secretRefs[0].name, named('Secret'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
