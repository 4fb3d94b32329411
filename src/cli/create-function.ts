/** Writes the files of a new function into the folder of a local run; never over anything that is there. */
import { existsSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { errorMessage } from '../failures/error-message.ts';
import type { CreateOrder, CreateResult } from '../console/editing-source.ts';
import type { LocalView } from '../local/local-api.ts';
import { newFunction, type NewSecret } from './starting-points.ts';

const namePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

export async function createFunction(
  view: Pick<LocalView, 'folder' | 'envFile' | 'states'>,
  { name, from, secret }: CreateOrder,
): Promise<CreateResult> {
  if (!namePattern.test(name)) {
    return { kind: 'refused', message: `"${name}" is not a name: use a-z, 0-9 and -, at most 63` };
  }
  for (const { verdict } of view.states().values()) {
    if (verdict.kind === undefined && verdict.namespace === 'default' && verdict.name === name) {
      return { kind: 'refused', message: `there is a function default/${name} already` };
    }
  }
  const made = newFunction(from, name, secret);
  if (made === undefined) return { kind: 'refused', message: `there is no starting point "${from}"` };
  const file = `${name}.yaml`;
  const values = made.secrets.filter((each): each is Required<NewSecret> => each.value !== undefined);
  let secretPlace: string | undefined;
  // Looked at first, so that no secret is written for a function that cannot be.
  if (existsSync(join(view.folder, file))) return { kind: 'refused', message: `a file ${file} is there already` };
  try {
    // Secrets first: the function is whole as soon as it is seen.
    if (values.length > 0) secretPlace = await writeSecrets(view, name, values);
    await writeFile(join(view.folder, file), made.yaml, { flag: 'wx' });
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const message = errorMessage(error);
    return { kind: 'refused', message: taken ? `a file of that name is there already: ${message}` : message };
  }
  return {
    kind: 'created',
    namespace: 'default',
    name,
    place: file,
    secrets: made.secrets.map(({ name: own, key, value }) => ({
      name: `${own}.${key}`,
      ...(value === undefined ? {} : { value }),
    })),
    ...(secretPlace === undefined ? {} : { secretPlace: { kind: 'file', name: secretPlace } }),
  };
}

/** Into the file of secrets that the run was started with, else a file of its own that only its owner reads. */
async function writeSecrets(
  { folder, envFile }: Pick<LocalView, 'folder' | 'envFile'>,
  name: string,
  values: readonly Required<NewSecret>[],
): Promise<string> {
  if (envFile !== undefined) {
    const before = await readFile(envFile, 'utf8');
    const lines = values.map(({ name: own, key, value }) => `${own}.${key}='${value}'\n`).join('');
    // Single quotes keep everything but themselves.
    if (values.some(({ value }) => value.includes("'"))) throw new Error("a secret with ' has to be written by hand");
    await appendFile(envFile, before === '' || before.endsWith('\n') ? lines : `\n${lines}`);
    return basename(envFile);
  }
  const file = `${name}.secret.yaml`;
  const document = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: { 'moonhook.dev/functions': 'true' } },
    stringData: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  };
  const text = `# Secrets of this machine: keep this file out of version control.\n${stringify(document, { lineWidth: 0 })}`;
  await writeFile(join(folder, file), text, { flag: 'wx', mode: 0o600 });
  return file;
}
