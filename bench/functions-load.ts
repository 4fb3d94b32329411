/** Load over many paths from a process of its own: 32 keep-alive connections, each request to the next path; wrk where it is installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import autocannon from 'autocannon';

interface Order {
  readonly url: string;
  readonly paths: number;
  readonly seconds: number;
}

const connections = 32;
const wrk = '/usr/bin/wrk';

async function byAutocannon({ url, paths, seconds }: Order) {
  const requests = Array.from({ length: paths }, (_, index) => ({ path: `/default/f${index}` }));
  const result = await autocannon({ url, connections, duration: seconds, requests });
  return {
    requests: result.requests.total,
    perSecond: result.requests.average,
    failed: result.errors + result.timeouts + result.non2xx,
  };
}

/** The requests are made before the first is sent: autocannon's own cost grows with their number. */
async function byWrk({ url, paths, seconds }: Order) {
  const folder = await mkdtemp(join(tmpdir(), 'bench-wrk-'));
  const script = join(folder, 'requests.lua');
  await writeFile(
    script,
    `local requests, at = {}, 0
init = function()
  for index = 0, ${paths} - 1 do requests[index + 1] = wrk.format("GET", "/default/f" .. index) end
end
request = function()
  at = at % ${paths} + 1
  return requests[at]
end
done = function(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %d %f %d\\n", summary.requests, summary.requests / (summary.duration / 1e6), failed))
end
`,
  );
  const { stdout } = await promisify(execFile)(wrk, ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]);
  await rm(folder, { recursive: true, force: true });
  const [, requests, perSecond, failed] = /RESULT (\d+) ([\d.]+) (\d+)/.exec(stdout) ?? [];
  return { requests: Number(requests), perSecond: Number(perSecond), failed: Number(failed) };
}

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
process.send?.(existsSync(wrk) ? await byWrk(order) : await byAutocannon(order));
