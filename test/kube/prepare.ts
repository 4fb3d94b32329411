/** Builds the control plane and unpacks kubectl and helm before the tests that need them, so that no test waits for it. */
import { kubeTools } from './kube-tools.ts';
import { prepareKube } from './build-kube.ts';

const result = await prepareKube();
if (result.ok) kubeTools();
else process.stderr.write(`moonhook: SKIPPING the tests on a real API server: ${result.why}\n`);
