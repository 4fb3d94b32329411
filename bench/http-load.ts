/** The load generator, in a process of its own: 32 keep-alive connections against one URL; wrk where it is installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import autocannon from 'autocannon';

interface Order {
  readonly url: string;
  readonly seconds: number;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
}

const connections = 32;
const wrk = '/usr/bin/wrk';
const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const headers: Readonly<Record<string, string>> = {
  'x-name': 'world',
  accept: 'application/json',
  'accept-encoding': 'gzip, br',
  'accept-language': 'en',
  'user-agent': 'bench',
  'x-request-source': 'bench',
  'cache-control': 'no-cache',
  pragma: 'no-cache',
  ...(order.body === undefined ? {} : { 'content-type': 'application/json' }),
};

async function byAutocannon({ url, seconds, method, body }: Order) {
  const result = await autocannon({
    url,
    method,
    connections,
    duration: seconds,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return {
    requests: result.requests.total,
    perSecond: result.requests.average,
    p99: result.latency.p99,
    failed: result.errors + result.timeouts + result.non2xx,
  };
}

/** wrk uses a fifth of autocannon's processor time, so it is the server that is measured. */
async function byWrk({ url, seconds, method, body }: Order) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-wrk-'));
  const script = join(folder, 'request.lua');
  await writeFile(
    script,
    `wrk.method = ${JSON.stringify(method)}
${body === undefined ? '' : `wrk.body = [==[${body}]==]`}
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  .join('\n')}
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %d %f %f %d\\n", summary.requests, summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1000, failed))
end
`,
  );
  const { stdout } = await promisify(execFile)(wrk, ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]);
  await rm(folder, { recursive: true, force: true });
  const [, requests, perSecond, p99, failed] = /RESULT (\d+) ([\d.]+) ([\d.]+) (\d+)/.exec(stdout) ?? [];
  return { requests: Number(requests), perSecond: Number(perSecond), p99: Number(p99), failed: Number(failed) };
}

process.send?.(existsSync(wrk) ? await byWrk(order) : await byAutocannon(order));
