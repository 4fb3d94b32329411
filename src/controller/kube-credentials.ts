/** Who we are to the API server: headers and TLS options as the client library makes them, read again as files change. */
import { createHash } from 'node:crypto';
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';

type Cluster = ReturnType<KubeConfig['getCurrentCluster']>;
type Connection = ReturnType<KubeConfig['createDispatcherOptions']>;
type TlsOptions = Parameters<KubeConfig['createDispatcherOptions']>[1];

export interface Credentials {
  readonly server: URL;
  /** `Authorization` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connection: Connection;
  /** Differs when connections have to be made anew. */
  readonly connectionKey: string;
}

/** A kubeconfig that tells how it would connect instead of making a connection pool for each call. */
class ToldKubeConfig extends KubeConfig {
  connection: Connection = { type: 'none' };

  override createDispatcherOptions(cluster: Cluster, tlsOptions: TlsOptions): Connection {
    this.connection = super.createDispatcherOptions(cluster, tlsOptions);
    return { type: 'none' };
  }
}

/** Where the kubeconfig comes from. */
export type KubeConfigSource =
  | { readonly kind: 'inCluster' }
  /** Undefined: `KUBECONFIG`, else `~/.kube/config`. */
  | { readonly kind: 'file'; readonly path?: string; readonly context?: string };

export interface CredentialReader {
  /** The namespace that the kubeconfig or the pod stands in. */
  readonly namespace: string | undefined;
  /** Read again after ten seconds, or at once after `forget`. */
  read(): Promise<Credentials>;
  /** The API server refused them. */
  forget(): void;
}

/** Files are read again so often: tokens of pods are replaced long before they end. */
const freshMs = 10_000;

/** `now`: milliseconds, monotonic. */
export function createCredentialReader(source: KubeConfigSource, now: () => number): CredentialReader {
  const config = new ToldKubeConfig();
  if (source.kind === 'inCluster') config.loadFromCluster();
  else if (source.path === undefined) config.loadFromDefault();
  else config.loadFromFile(source.path);
  if (source.kind === 'file' && source.context !== undefined) config.setCurrentContext(source.context);
  const cluster = clusterOf(config);
  const server = new URL(cluster.server);
  let last: { readonly at: number; readonly credentials: Promise<Credentials> } | undefined;

  async function load(): Promise<Credentials> {
    const context = new RequestContext(server.href, HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    const { connection } = config;
    const connectionKey = createHash('sha256').update(JSON.stringify(connection)).digest('hex');
    return { server, headers: { ...context.getHeaders() }, connection, connectionKey };
  }

  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    read: async () => {
      if (last === undefined || now() - last.at >= freshMs) {
        const attempt = { at: now(), credentials: load() };
        last = attempt;
        // A file that is being replaced: the next call reads it again.
        attempt.credentials.catch(() => {
          if (last === attempt) last = undefined;
        });
      }
      return last.credentials;
    },
    forget: () => {
      last = undefined;
    },
  };
}

/** The cluster that is meant; throws in the words of who wrote the kubeconfig where one of its parts is missing. */
function clusterOf(config: KubeConfig): NonNullable<Cluster> {
  // What the library takes where it finds nothing at all.
  if (config.getCluster('cluster')?.server === 'http://localhost:8080' && config.getContextObject('loaded-context')) {
    throw new Error('there is none: KUBECONFIG is not set, and no .kube/config is in the home directory');
  }
  const name = config.getCurrentContext();
  const context = config.getContextObject(name);
  const contexts = config.getContexts().map((each) => each.name);
  const known = contexts.length === 0 ? 'it has none' : `it has ${contexts.join(', ')}`;
  if (!name) throw new Error(`it has no current-context: choose one with --context (${known})`);
  if (context === null) throw new Error(`it has no context ${JSON.stringify(name)} (${known})`);
  const cluster = config.getCurrentCluster();
  const server = cluster === null ? null : URL.parse(cluster.server);
  if (cluster === null || server === null) {
    throw new Error(
      `its context ${name} is for the cluster ${JSON.stringify(context.cluster)}, which has no address in it`,
    );
  }
  // The library would go on without the cluster's own authority.
  if (config.getCurrentUser() === null) {
    throw new Error(`its context ${name} is for the user ${JSON.stringify(context.user)}, who is not in it`);
  }
  if (server.protocol === 'http:' && !cluster.skipTLSVerify) {
    const remedy = 'use https:, or insecure-skip-tls-verify for a proxy on this machine';
    throw new Error(`its cluster ${cluster.name} has the plain address ${cluster.server}: ${remedy}`);
  }
  return cluster;
}
