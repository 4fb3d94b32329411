/**
 * `npm start`, `npm test`, `npm run check` …: runs on any Node from 18, installs what is missing, then hands over to the
 * project's own Node. Plain JavaScript, because an older Node has to read it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';

const tested = ['--test', '--test-reporter=spec', '--test-timeout=300000'];
const clusterSteps = [
  ['node', 'test/kube/prepare.ts'],
  ['node', ...tested, 'test/cluster/**/*.test.ts'],
];

/** Steps of each task: `node …` runs with the project's Node, anything else is a command of node_modules/.bin. */
const tasks = {
  start: {
    needs: 'run',
    // As in bin/moonhook, which says why.
    environment: {
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'moonhook', 'code'),
      MALLOC_ARENA_MAX: '2',
      MALLOC_TRIM_THRESHOLD_: '131072',
    },
    steps: [
      [
        'node',
        '--v8-pool-size=1',
        '--max-semi-space-size=8',
        '--heap-growing-percent=50',
        '--no-allocation-site-pretenuring',
        '--expose-gc',
        '--',
        'src/cli/main.ts',
        'dev',
        'examples',
        ...process.argv.slice(3),
      ],
    ],
  },
  generate: { needs: 'all', steps: [['node', 'scripts/generate.ts']] },
  bench: { needs: 'all', steps: [['node', 'bench/main.ts', ...process.argv.slice(3)]] },
  check: {
    needs: 'all',
    steps: [
      ['oxfmt', '--check', '.'],
      ['oxlint', '--type-aware', '--deny-warnings'],
      ['node', 'scripts/check-layers.ts'],
      ['tsc', '-p', '.'],
      ['tsc', '-p', 'src/console/page'],
      ['knip'],
      ['node', '--test', '--test-reporter=dot', 'src/**/*.test.ts'],
    ],
  },
  'test:faults': {
    needs: 'all',
    // One after the other: what they measure against time is not to wait for each other.
    environment: { MOONHOOK_FAULTS: 'long' },
    steps: [
      [
        'node',
        '--test',
        '--test-reporter=spec',
        '--test-concurrency=1',
        '--test-timeout=3600000',
        'test/faults/*.test.ts',
      ],
    ],
  },
  test: {
    needs: 'all',
    steps: [
      ['oxfmt', '--check', '.'],
      ['oxlint', '--type-aware', '--deny-warnings'],
      ['node', 'scripts/check-layers.ts'],
      ['tsc', '-p', '.'],
      ['tsc', '-p', 'src/console/page'],
      ['knip'],
      ['node', 'scripts/generate.ts', '--check'],
      // Two files at a time: most of a test is waiting. Those of the cluster have five programs of their own.
      ['node', ...tested, '--test-concurrency=2', 'src/**/*.test.ts', 'test/!(cluster)/**/*.test.ts'],
      ...clusterSteps,
    ],
  },
  // Needs root and some Debian packages; says which where they are missing.
  'test:node': { needs: 'all', steps: [['node', 'test/node/run-node-test.ts']] },
  'test:cluster': { needs: 'all', steps: clusterSteps },
};

/** Installs the locked packages once per lock file; `run` leaves out what only development needs. */
function ensureInstalled(needs) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.moonhook-installed');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8').trim() : '';
  if (installed === `${lock} all` || (needs === 'run' && installed === `${lock} run`)) return;
  process.stderr.write(`moonhook: installing packages (${needs === 'run' ? 'those that running needs' : 'all'}) …\n`);
  const started = Date.now();
  const arguments_ = ['ci', '--loglevel=error', ...(needs === 'run' ? ['--omit=dev'] : [])];
  const result = spawnSync(windows ? 'npm.cmd' : 'npm', arguments_, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: windows,
  });
  if (result.status !== 0) {
    process.stderr.write(`moonhook: \`npm ${arguments_.join(' ')}\` failed; the messages above say why\n`);
    process.exit(1);
  }
  writeFileSync(stamp, `${lock} ${needs}\n`);
  process.stderr.write(`moonhook: installed in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** Programs of Debian packages that tests use; without them those tests are skipped, or fail where CI=true. */
const testPrograms = { strace: 'strace' };
/** What `test:node` needs besides. */
const nodePrograms = {
  buildah: 'buildah',
  containerd: 'containerd',
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  iptables: 'iptables',
  runc: 'runc',
  '/usr/lib/cni/ptp': 'containernetworking-plugins',
};

/** Only on CI machines, which are thrown away, and only as root: nobody's own system is changed. */
function installTestPrograms(programs) {
  if (process.env.CI !== 'true' || process.getuid?.() !== 0) return;
  const missing = Object.entries(programs)
    .filter(([program]) => spawnSync('which', [program]).status !== 0)
    .map(([, debianPackage]) => debianPackage);
  if (missing.length === 0 || spawnSync('which', ['apt-get']).status !== 0) return;
  process.stderr.write(`moonhook: installing ${missing.join(' ')} for the tests …\n`);
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  const result = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options);
  if (result.status !== 0) process.stderr.write('moonhook: apt-get failed; tests that need these programs will fail\n');
}

const projectNode = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');

/** Resolves with the exit status. A signal to this process is handed on: the child decides how to end. */
async function runStep([command, ...rest], quiet, environment = {}) {
  const executable =
    command === 'node' ? projectNode : join(root, 'node_modules', '.bin', windows ? `${command}.cmd` : command);
  const started = Date.now();
  const child = spawn(executable, rest, {
    cwd: root,
    stdio: 'inherit',
    shell: windows && command !== 'node',
    // As bin/moonhook does: name lookups hold a thread each.
    env: { UV_THREADPOOL_SIZE: '64', ...process.env, ...environment },
  });
  // Ctrl-C in a terminal reaches the child by itself.
  const handOn = (signal) => child.kill(signal);
  process.on('SIGTERM', handOn);
  process.on('SIGHUP', handOn);
  // Whoever ends npm alone (a supervisor, a closed terminal) leaves this process without a parent: then the program ends, too.
  const parent = process.ppid;
  const orphaned = setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 500);
  const status = await new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`moonhook: cannot run ${command}: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGTERM' || signal === 'SIGINT' ? 0 : 1)));
  });
  clearInterval(orphaned);
  process.off('SIGTERM', handOn);
  process.off('SIGHUP', handOn);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (!quiet) process.stderr.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${command} ${rest[0] ?? ''} (${seconds} s)\n`);
  return status;
}

const name = process.argv[2] ?? '';
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
if (!task) {
  process.stderr.write(`moonhook: usage: node scripts/run.mjs ${Object.keys(tasks).join('|')}\n`);
  process.exit(2);
}
ensureInstalled(task.needs);
if (name.startsWith('test')) installTestPrograms(name === 'test:node' ? nodePrograms : testPrograms);
process.on('SIGINT', () => {});
const rounds = [task.environment];
// The newest version of Kubernetes, then the oldest one that is supported.
if (name === 'test:cluster' && process.argv.includes('--all')) rounds.push({ MOONHOOK_KUBERNETES: 'oldest' });
for (const environment of rounds) {
  for (const step of task.steps) {
    const status = await runStep(step, task.steps.length === 1, environment);
    if (status !== 0) process.exit(status);
  }
}
