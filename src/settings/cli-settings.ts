/** What the command line finds in its environment of clusters: a kubeconfig, and whether kubectl started it. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface ClusterEnvironment {
  /** It was called as `kubectl moonhook`. */
  readonly plugin: boolean;
  /** There is a file that a kubeconfig is read from. */
  readonly kubeconfig: boolean;
}

export function readClusterEnvironment(environment: NodeJS.ProcessEnv = process.env): ClusterEnvironment {
  const named = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const files = named.length > 0 ? named : [join(homedir(), '.kube', 'config')];
  return { plugin: environment['MOONHOOK_PLUGIN'] === 'kubectl', kubeconfig: files.some((file) => existsSync(file)) };
}
