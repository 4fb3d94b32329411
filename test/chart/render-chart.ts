/** What Helm makes of the chart with some values: the rendered objects, or what it said against them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { kubeTools } from '../kube/kube-tools.ts';

export const chartFolder = join(import.meta.dirname, '..', '..', 'charts', 'moonhook');

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // The rest differs by kind; each test looks at what it speaks of.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [field: string]: any;
}

export type Rendering =
  | { readonly ok: true; readonly text: string; readonly objects: readonly KubeObject[] }
  | { readonly ok: false; readonly message: string };

/** `--set-json` values by path: `{ 'runtime.replicas': 3 }`. */
export type ChartValues = Readonly<Record<string, unknown>>;

export function helm(arguments_: readonly string[]): { readonly status: number | null; readonly output: string } {
  const result = spawnSync(kubeTools().helm, arguments_, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.error) throw result.error;
  return { status: result.status, output: result.status === 0 ? result.stdout : `${result.stderr}${result.stdout}` };
}

export function renderChart(values: ChartValues = {}, release = 'moonhook', namespace = 'moonhook-system'): Rendering {
  const settings = Object.entries(values).flatMap(([path, value]) => [
    '--set-json',
    `${path}=${JSON.stringify(value)}`,
  ]);
  const { status, output } = helm(['template', release, chartFolder, '--namespace', namespace, ...settings]);
  if (status !== 0) return { ok: false, message: output };
  const objects = parseAllDocuments(output)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
  return { ok: true, text: output, objects };
}

/** The rendered objects; a refusal fails the test. */
export function renderedObjects(values: ChartValues = {}): readonly KubeObject[] {
  const rendering = renderChart(values);
  if (!rendering.ok) throw new Error(rendering.message);
  return rendering.objects;
}

/** The chart with its default values as one file, for clusters without Helm. */
export function plainManifests(): string {
  const { status, output } = helm([
    'template',
    'moonhook',
    chartFolder,
    '--namespace',
    'moonhook-system',
    '--no-hooks',
  ]);
  if (status !== 0) throw new Error(output);
  const head = '# Rendered from charts/moonhook by `node scripts/render-manifests.ts`; do not edit.\n';
  return `${head}apiVersion: v1\nkind: Namespace\nmetadata:\n  name: moonhook-system\n${output}`;
}
