/**
 * `npm run test:node`: builds what a whole node needs, then runs the tests of whole pods in namespaces of their own. A machine
 * that cannot run them is told why and how it could.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareNode } from './prepare-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'moonhook-images-'));
try {
  const preparation = await prepareNode(folder);
  if (preparation.ok) {
    const parts = join(folder, 'parts.json');
    writeFileSync(parts, JSON.stringify(preparation.parts));
    // When this process ends, everything in the namespaces does.
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const test = [
      '--test',
      '--test-reporter=spec',
      '--test-timeout=900000',
      join(import.meta.dirname, 'whole-node.ts'),
    ];
    const { status } = spawnSync('unshare', [...namespaces, process.execPath, ...test], {
      stdio: 'inherit',
      env: { ...process.env, MOONHOOK_NODE_PARTS: parts },
    });
    process.exitCode = status ?? 1;
  } else {
    process.stderr.write(`moonhook: SKIPPING the tests of a whole node: ${preparation.why}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
