/** `npm run generate`: writes every file that is made from source. `--check` writes nothing and fails on a difference. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateCliDocs } from './generate-cli-docs.ts';
import { generateCrds } from './generate-crds.ts';
import { generateFailureDocs } from './generate-failure-docs.ts';
import { generateHostDocs } from './generate-host-docs.ts';
import { generateKustomize } from './generate-kustomize.ts';
import { generateMetricsDocs } from './generate-metrics-docs.ts';
import { generateReceiverDocs } from './generate-receiver-docs.ts';
import { generateResourceDocs } from './generate-resource-docs.ts';

/** Makes files: path from the root of the repository → content. */
export type Generator = () => ReadonlyMap<string, string>;

/** One entry per group of generated files. */
const generators: readonly Generator[] = [
  generateCliDocs,
  generateCrds,
  generateFailureDocs,
  generateHostDocs,
  generateKustomize,
  generateMetricsDocs,
  generateReceiverDocs,
  generateResourceDocs,
];

const root = join(import.meta.dirname, '..');
const checkOnly = process.argv.includes('--check');
let stale = 0;

for (const generate of generators) {
  for (const [path, content] of generate()) {
    const file = join(root, path);
    if (readIfThere(file) === content) continue;
    stale += 1;
    if (checkOnly) process.stdout.write(`${path} is not what its source says: run npm run generate\n`);
    else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      process.stdout.write(`wrote ${path}\n`);
    }
  }
}
if (checkOnly && stale > 0) process.exit(1);

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
