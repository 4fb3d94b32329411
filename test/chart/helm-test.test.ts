/** The program of `helm test` as the chart renders it, run for real: whom it asks, and what it takes for a mistake. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { renderedObjects } from './render-chart.ts';

/** Answers of the public listeners by Service, for everybody who asks. */
const answers = new Map<string, { readonly status: number; readonly type: string }>();
const right = { status: 404, type: 'application/problem+json' };
const asked: string[] = [];

const listeners = createServer((request, response) => {
  asked.push(`${request.method} ${request.headers.host}${request.url}`);
  const answer = answers.get(request.headers.host ?? '');
  if (answer === undefined) request.socket.destroy();
  else response.writeHead(answer.status, { 'content-type': answer.type }).end('{}');
});
// Names of Services lead nowhere on this machine, but through here.
const names = createServer();
names.on('connect', (_request, socket, head) => {
  const onward = connect((listeners.address() as AddressInfo).port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    onward.write(head);
    socket.pipe(onward).pipe(socket);
  });
  onward.on('error', () => socket.destroy());
  socket.on('error', () => onward.destroy());
});
for (const server of [listeners, names]) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
}

const pod = renderedObjects({
  runtimeGroups: [
    { name: 'payments', namespaces: ['bank'] },
    { name: 'big', namespaces: ['lake'] },
  ],
}).find(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test');
assert.ok(pod);
const [container] = pod['spec'].containers as readonly { readonly command: string[]; readonly args: string[] }[];

function helmTest(): Promise<{ readonly code: number; readonly said: string }> {
  assert.ok(container);
  const { port } = names.address() as AddressInfo;
  const env = { PATH: process.env['PATH'], NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${port}` };
  const typed = [...container.command.slice(1), ...container.args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, typed, { env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, said: stdout + stderr }),
    );
  });
}

const services = ['moonhook', 'moonhook-public-payments', 'moonhook-public-big'];

test('helm test asks the public listener of every group for what no function answers', async () => {
  for (const service of services) answers.set(service, right);
  const { code, said } = await helmTest();
  assert.equal(code, 0, said);
  assert.deepEqual(
    asked,
    services.map((service) => `GET ${service}/-/helm-test`),
  );
});

for (const service of services) {
  test(`helm test fails when ${service} does not answer, and when somebody else answers there`, async () => {
    for (const each of services) answers.set(each, right);
    answers.delete(service);
    const silent = await helmTest();
    assert.equal(silent.code, 1, silent.said);
    for (const each of services) assert.ok(silent.said.includes(`http://${each}:80/`), silent.said);
    for (const wrong of [
      { status: 200, type: 'application/problem+json' },
      { status: 404, type: 'text/html' },
    ]) {
      answers.set(service, wrong);
      const { code, said } = await helmTest();
      assert.equal(code, 1, said);
      assert.ok(said.includes(`http://${service}:80/-/helm-test ${wrong.status} ${wrong.type}`), said);
    }
  });
}
