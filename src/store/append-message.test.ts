import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppendPacker, requestsOf } from './append-message.ts';
import type { AppendItem } from './store.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function item(id: string, more: Partial<AppendItem> = {}): AppendItem {
  const event = {
    id,
    namespaceUid: 'ns',
    type: 't',
    source: '/s',
    attributes: '{"ä":"€😀"}',
    body: bytes(`body of ${id}`),
  };
  return { event, deliveries: [{ destination: 'ns/f/trigger:a' }], ...more };
}

/** As the other thread gets it. */
function sent(packer: AppendPacker) {
  const packed = packer.take();
  return requestsOf([structuredClone(packed, { transfer: [packed.bodies.buffer] })]);
}

describe('packed appends', () => {
  test('arrive as they were asked for, whatever their items hold', () => {
    const asked: readonly (readonly [number, readonly AppendItem[]])[] = [
      [7, [item('a'), item('b', { deliveries: [{ destination: 'ns/f/trigger:b', eagerMs: 30_000 }] })]],
      [0, [item('c', { duplicate: { endpoint: 'e', key: 'k', windowMs: 1.5, rerun: true }, known: true, owed: true })]],
      [8, [item('i', { duplicate: { endpoint: 'e', key: 'l', windowMs: 1, oneBody: true } })]],
      [1, []],
      [2, [item('d', { duplicate: { endpoint: 'e', key: '\uD800', windowMs: 5 }, deliveries: [] })]],
      [
        3,
        [item('e', { deliveries: [{ destination: 'x', delayMs: 0, orderKey: 'k', supersede: true, generation: 3 }] })],
      ],
      [
        4,
        [
          item('f', {
            deliveries: [
              { destination: 'x', eagerMs: 1 },
              { destination: 'y', background: true },
            ],
          }),
        ],
      ],
      [5, [{ ...item('g'), event: { ...item('g').event, time: 1_700_000_000_123.5, body: new Uint8Array(0) } }]],
      [6, [{ ...item('h'), event: { ...item('h').event, namespaceUid: 'other', type: 'u', source: '/r' } }]],
    ];
    const packer = new AppendPacker();
    for (const [id, items] of asked) packer.add(id, items);
    const arrived = sent(packer);
    assert.deepEqual(
      arrived.map(({ id, operation, arguments: [items] }) => [id, operation, items]),
      asked.map(([id, items]) => [id, 'append', items]),
    );
    assert.ok(packer.isEmpty);
  });

  test('take only the bytes of a body that lies in a larger piece of memory', () => {
    const slab = bytes('before|body|behind');
    const packer = new AppendPacker();
    packer.add(1, [{ ...item('a'), event: { ...item('a').event, body: slab.subarray(7, 11) } }]);
    const packed = packer.take();
    assert.equal(packed.bodies.buffer.byteLength, 4);
    assert.deepEqual([...packed.bodies], [...bytes('body')]);
    assert.equal(slab.length, 18, 'the memory of whoever asked stays');
  });

  test('an append that cannot be packed leaves nothing behind', () => {
    const packer = new AppendPacker();
    packer.add(1, [item('a')]);
    const broken = { event: { ...item('x').event, body: undefined } } as unknown as AppendItem;
    assert.throws(() => packer.add(2, [item('b'), broken]));
    packer.add(3, [item('c')]);
    const arrived = sent(packer);
    assert.deepEqual(
      arrived.map(({ id, arguments: [items] }) => [id, items]),
      [
        [1, [item('a')]],
        [3, [item('c')]],
      ],
    );
  });

  test('keep their place among other requests', () => {
    const packer = new AppendPacker();
    packer.add(1, [item('a')]);
    const first = packer.take();
    packer.add(3, [item('b')]);
    const message = [first, { id: 2, operation: 'counts', arguments: [] } as const, packer.take()];
    assert.deepEqual(
      requestsOf(message).map(({ id }) => id),
      [1, 2, 3],
    );
  });
});
