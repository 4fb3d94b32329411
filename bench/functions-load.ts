/** Load over many paths from a process of its own: 32 keep-alive connections, each request to the next path. */
import autocannon from 'autocannon';

interface Order {
  readonly url: string;
  readonly paths: number;
  readonly seconds: number;
}

const { url, paths, seconds } = JSON.parse(process.argv[2] ?? '{}') as Order;
const requests = Array.from({ length: paths }, (_, index) => ({ path: `/default/f${index}` }));
const result = await autocannon({ url, connections: 32, duration: seconds, requests });
process.send?.({ perSecond: result.requests.average, failed: result.errors + result.timeouts + result.non2xx });
