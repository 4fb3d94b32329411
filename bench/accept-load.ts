/** Signed webhooks, each with a delivery id of its own, from a process of its own: wrk, because it takes little of the machine. */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const wrk = '/usr/bin/wrk';

export interface Accepted {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p99: number;
  readonly failed: number;
}

/** As fast as it goes. */
export async function sendWebhooks(order: {
  readonly url: string;
  readonly secret: string;
  readonly connections: number;
  readonly seconds: number;
  readonly core?: number;
}): Promise<Accepted> {
  const { url, secret, connections, seconds } = order;
  const folder = await mkdtemp(join(tmpdir(), 'bench-accept-'));
  const script = join(folder, 'request.lua');
  const body = JSON.stringify({ ref: 'refs/heads/main', pad: 'x'.repeat(980) });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  await writeFile(
    script,
    `local count, run = 0, "${Date.now().toString(36)}-"
local before = "POST " .. "/default/take" .. " HTTP/1.1\\r\\nHost: bench\\r\\nContent-Type: application/json\\r\\n" ..
  "User-Agent: GitHub-Hookshot/bench\\r\\nAccept: */*\\r\\nX-GitHub-Event: push\\r\\n" ..
  "X-Hub-Signature-256: sha256=${signature}\\r\\nContent-Length: ${body.length}\\r\\nX-GitHub-Delivery: " .. run
local after = "\\r\\n\\r\\n" .. [==[${body}]==]
request = function()
  count = count + 1
  return before .. count .. after
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %f %f %d\\n", summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1000, failed))
end
`,
  );
  try {
    const load = [wrk, '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
    const { stdout } = await promisify(execFile)('taskset', ['-c', String(order.core ?? 0), ...load]);
    const [, perSecond, p99, failed] = /RESULT ([\d.]+) ([\d.]+) (\d+)/.exec(stdout) ?? [];
    return { perSecond: Number(perSecond), p99: Number(p99), failed: Number(failed) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
