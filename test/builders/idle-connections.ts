/** Holds connections to a port that never say anything; tells its parent how many there are. */
import { once } from 'node:events';
import { connect } from 'node:net';

const [port, wanted] = process.argv.slice(2).map(Number) as [number, number];
let held = 0;
try {
  while (held < wanted) {
    const batch = Array.from({ length: Math.min(250, wanted - held) }, async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.on('error', () => undefined);
    });
    await Promise.all(batch);
    held += batch.length;
  }
} catch (error) {
  // Too many open files: the parent learns how far it went.
  process.stderr.write(`${(error as Error).message}\n`);
}
process.send?.(held);
process.on('disconnect', () => process.exit(0));
