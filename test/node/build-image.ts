/**
 * The image as its Dockerfile says, really built: no registry is asked. What `FROM` names is made of Debian's packages, the
 * project's own Node and the machine's npm.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheRoot } from '../kube/build-go.ts';

export const imageName = 'moonhook.test/moonhook';
export const imageTag = 'under-test';
export const pauseImage = 'moonhook.test/pause:1';

export interface Images {
  /** Archives as `docker save` writes them. */
  readonly archives: readonly string[];
  /** Bytes of the image under test, without what `FROM` brings. */
  readonly ownBytes: number;
}

const checkout = join(import.meta.dirname, '..', '..');
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** Builds it anew; the base is made once per machine. `pause` is the program of that image. */
export function buildImages(folder: string, pause: string): Images {
  const store = join(cacheRoot(), 'images');
  mkdirSync(store, { recursive: true });
  const buildah = (...arguments_: readonly string[]): string =>
    run('buildah', [
      '--root',
      join(store, 'storage'),
      '--runroot',
      join(store, 'run'),
      '--storage-driver',
      'vfs',
      ...arguments_,
    ]);
  const base = baseOf(readFileSync(join(checkout, 'Dockerfile'), 'utf8'));
  if (!buildah('images', '--format', '{{.Name}}:{{.Tag}}').split('\n').includes(base)) makeBase(buildah, base, store);

  const isolation = ['--isolation', 'chroot', '--pull-never', '--format', 'docker'];
  buildah('bud', ...isolation, '--tag', `${imageName}:${imageTag}`, checkout);
  const holder = buildah('from', 'scratch').trim();
  buildah('copy', '-q', holder, pause, '/pause');
  buildah('config', '--entrypoint', '["/pause"]', '--user', '65535:65535', holder);
  buildah('commit', '-q', '--rm', holder, pauseImage);

  const archives = [`${imageName}:${imageTag}`, pauseImage].map((name) => {
    const archive = join(folder, `${basename(name.replaceAll(':', '-'))}.tar`);
    rmSync(archive, { force: true });
    buildah('push', '-q', name, `docker-archive:${archive}:${name}`);
    return archive;
  });
  const size = (name: string): number =>
    (JSON.parse(buildah('images', '--json', name)) as readonly { readonly size: string }[])
      .map(({ size: shown }) => bytesOf(shown))
      .reduce((most, bytes) => Math.max(most, bytes), 0);
  const images = { archives, ownBytes: size(`${imageName}:${imageTag}`) - size(base) };
  // The base stays for the next time.
  buildah('rmi', '--force', `${imageName}:${imageTag}`, pauseImage);
  buildah('rmi', '--prune');
  return images;
}

/** The one image that the Dockerfile starts from. */
function baseOf(dockerfile: string): string {
  const names = new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, name = '']) => name));
  const [name = ''] = names;
  const { major, minor } = /^node:(?<major>\d+)\.(?<minor>\d+)-bookworm-slim$/.exec(name)?.groups ?? {};
  if (names.size !== 1 || !process.versions.node.startsWith(`${major}.${minor}.`)) {
    throw new Error(`the Dockerfile starts from ${[...names].join(', ')}, the project runs ${process.version}`);
  }
  return `localhost/${name}`;
}

function makeBase(buildah: (...arguments_: readonly string[]) => string, base: string, store: string): void {
  process.stderr.write(`moonhook: making ${base} of Debian's packages (once, about a minute) …\n`);
  const root = join(store, 'debian');
  rmSync(root, { recursive: true, force: true });
  run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', root]);
  for (const waste of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale']) {
    rmSync(join(root, waste), { recursive: true, force: true });
  }
  // `npm` is a link into its package.
  const npm = dirname(dirname(realpathSync(run('which', ['npm']).trim())));
  const holder = buildah('from', 'scratch').trim();
  buildah('add', '-q', holder, root, '/');
  buildah('copy', '-q', holder, process.execPath, '/usr/local/bin/node');
  buildah('copy', '-q', holder, npm, '/usr/local/lib/node_modules/npm');
  buildah(
    'run',
    '--isolation',
    'chroot',
    holder,
    'ln',
    '-s',
    '../lib/node_modules/npm/bin/npm-cli.js',
    '/usr/local/bin/npm',
  );
  if (existsSync(certificates)) {
    // npm in there reaches the registry as npm out here does.
    buildah('copy', '-q', holder, certificates, certificates);
    buildah('config', '--env', `NODE_EXTRA_CA_CERTS=${certificates}`, holder);
  }
  buildah('commit', '-q', '--rm', holder, base);
  rmSync(root, { recursive: true, force: true });
}

function run(program: string, arguments_: readonly string[]): string {
  const result = spawnSync(program, arguments_, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${program} ${arguments_.join(' ')} failed:\n${`${result.stdout}${result.stderr}`.slice(-4096)}`);
  }
  return result.stdout;
}

function bytesOf(shown: string): number {
  const [, number = '0', unit = 'B'] = /^([\d.]+)\s*([KMG]?B)/.exec(shown) ?? [];
  return Number(number) * { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 }[unit as 'B' | 'KB' | 'MB' | 'GB'];
}
