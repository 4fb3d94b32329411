/** Writes resources into the folder of a run that watches it, and waits until their function answers, or it is known why not. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { LocalRun } from '../local/run-local.ts';
import { TryRefused } from './isolate-draft.ts';

export interface ServedDocuments {
  /** Of the function among them. */
  readonly name: string;
  readonly documents: readonly object[];
  /** The function's code, as `draft.lua` beside them. */
  readonly code?: string;
}

type Watched = Pick<LocalRun, 'folder' | 'states' | 'diagnostics' | 'followStates'>;

const longestLoadMs = 30_000;
const file = 'draft.yaml';

/** Rejects with `TryRefused` where it does not load. */
export async function serveDocuments(run: Watched, { name, documents, code }: ServedDocuments): Promise<void> {
  // The code first: the resource that names it is whole as soon as it is seen.
  if (code !== undefined) writeFileSync(join(run.folder, 'draft.lua'), code);
  const unfinished = join(run.folder, '.draft');
  writeFileSync(unfinished, documents.map((each) => stringify(each)).join('---\n'));
  const state = () => [...run.states().values()].find(({ verdict }) => verdict.name === name);
  const mistake = () => run.diagnostics().find(({ severity }) => severity === 'error');
  renameSync(unfinished, join(run.folder, file));
  await changed(run, () => state() !== undefined || mistake() !== undefined);
  const ready = state()?.summary.conditions.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') throw new TryRefused(ready?.message ?? mistake()?.message ?? 'it does not load');
}

/** Serves something, calls it and takes it away: what comes next finds everything loaded and compiled. */
export async function warmUp(run: Watched & Pick<LocalRun, 'addresses'>): Promise<void> {
  const [namespace, name] = ['moonhook-warm-up', 'warm'];
  const code = 'return function(event) return { json = { body = event.body } } end';
  const spec = { code, triggers: [{ name: 'web', http: { path: name, receiver: { open: {} } } }] };
  const resource = {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: { name, namespace },
    spec,
  };
  await serveDocuments(run, { name, documents: [resource] });
  const answer = await fetch(`${run.addresses.public}/${namespace}/${name}`, { method: 'POST', body: '{}' });
  await answer.arrayBuffer();
  rmSync(join(run.folder, file));
  await changed(run, () => run.states().size === 0);
}

function changed(run: Watched, isDone: () => boolean): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (isDone()) {
      resolve();
      return;
    }
    const timer = setTimeout(() => {
      stop();
      reject(new TryRefused('it did not load within half a minute'));
    }, longestLoadMs);
    const stop = run.followStates(() => {
      if (!isDone()) return;
      clearTimeout(timer);
      stop();
      resolve();
    });
  });
}
