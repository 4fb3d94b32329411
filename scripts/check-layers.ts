/** Checks the rules of import: levels between folders, and one door per dependency. Exit 1 with one line per breach. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');

/** A folder imports from folders of a lower level and from itself. */
const levels: Readonly<Record<string, number>> = {
  failures: 0,
  function: 0,
  receivers: 1,
  triggers: 1,
  policy: 1,
  lua: 1,
  host: 2,
  store: 2,
  routing: 2,
  // Built on the store's and the routes' types, below the programs.
  delivery: 2.5,
  link: 2.5,
  telemetry: 2,
  settings: 2,
  controller: 3,
  runtime: 3,
  console: 4,
  local: 4,
  cli: 5,
};

/** Imports inside a level that are allowed: contracts only, and only as types. */
const siblingTypes = new Set(['host>store', 'function>failures']);

/** Which files may import a package; a package not listed may be imported anywhere. */
const doors: readonly { readonly packages: RegExp; readonly files: RegExp; readonly why: string }[] = [
  { packages: /^(fastify|@fastify\/.+)$/, files: /-http(\.test)?\.ts$/, why: 'Fastify only in *-http.ts' },
  { packages: /^(wasmoon|wabt)(\/|$)/, files: /^lua\//, why: 'the WebAssembly binary only in lua/' },
  { packages: /^prom-client$/, files: /^telemetry\//, why: 'prom-client only in telemetry/' },
  { packages: /^pino/, files: /^telemetry\//, why: 'pino only in telemetry/' },
  {
    packages: /^undici$/,
    files: /^policy\/outbound|^controller\/kube-client|\.test\.ts$/,
    why: 'outgoing sockets only in policy/outbound*.ts and for the API server',
  },
  {
    packages: /^node:(net|tls|dgram|http2)$/,
    files:
      /^policy\/(outbound|egress|address)|^runtime\/|^link\/(serve|dial)-peer|^store\/postgres-sockets|\.test\.ts$/,
    why: 'sockets only in policy/outbound*.ts, the listeners of runtime/ and link/, and for PostgreSQL',
  },
  { packages: /^ws$/, files: /^link\//, why: 'WebSockets only in link/' },
  {
    packages: /^(pkijs|asn1js)$/,
    files: /^controller\/certificates\//,
    why: 'certificates are made only in controller/certificates/',
  },
  {
    packages: /^(yaml)$/,
    files: /^(local|cli|settings|console\/page|function\/.*crd|receivers\/.*test)/,
    why: 'YAML only where files are read',
  },
  {
    packages: /^(vite|preact|@preact\/.+|@codemirror\/.+|@lezer\/.+)(\/|$)/,
    files: /^console\//,
    why: 'the page is made in console/',
  },
  { packages: /^commander$/, files: /^cli\//, why: 'the command line only in cli/' },
  { packages: /^node:sqlite$|^pg$/, files: /^store\//, why: 'SQL only in store/' },
  {
    packages: /^@kubernetes\/client-node$/,
    files: /^(controller|cli)\//,
    why: 'the Kubernetes client only in controller/ and cli/',
  },
];

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
const breaches: string[] = [];

for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const name = relative(source, path).split(sep).join('/');
  const folder = name.split('/')[0] ?? '';
  const level = levels[folder];
  if (level === undefined) {
    breaches.push(`src/${name}: folder ${folder} has no level in scripts/check-layers.ts`);
    continue;
  }
  const text = readFileSync(path, 'utf8');
  const isTest = name.endsWith('.test.ts');
  if (/\bprocess\.env\b/.test(text) && folder !== 'settings' && !isTest) {
    breaches.push(`src/${name}: only settings/ reads the environment`);
  }
  for (const match of text.matchAll(importPattern)) {
    const specifier = match[2] ?? match[3] ?? '';
    const typeOnly = match[1] !== undefined;
    if (specifier.startsWith('.')) {
      const target = relative(source, resolve(dirname(path), specifier))
        .split(sep)
        .join('/');
      const other = target.split('/')[0] ?? '';
      if (other === folder || target.startsWith('..')) {
        if (target.startsWith('..') && !isTest && !target.endsWith('package.json')) {
          breaches.push(`src/${name}: imports ${specifier} from outside src`);
        }
        continue;
      }
      const otherLevel = levels[other];
      const siblings = typeOnly && siblingTypes.has(`${folder}>${other}`);
      const programs = isTest && level >= 3;
      if (otherLevel === undefined || (otherLevel >= level && !siblings && !programs)) {
        breaches.push(
          `src/${name}: level ${level} (${folder}) must not import ${target} (${other}, level ${otherLevel ?? '?'})`,
        );
      }
    } else if (!typeOnly || !isTest) {
      const door = doors.find(({ packages }) => packages.test(specifier));
      if (door && !door.files.test(name) && !isTest) breaches.push(`src/${name}: imports ${specifier}: ${door.why}`);
    }
  }
}

for (const breach of breaches) process.stdout.write(`${breach}\n`);
if (breaches.length > 0) process.exit(1);
