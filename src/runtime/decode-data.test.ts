import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeForLua } from './decode-data.ts';
import type { HttpCall } from './http-call.ts';
import { readCloudEvents } from './read-cloud-event.ts';
import { StoredEventSource } from './stored-event.ts';

const decode = (json: string): unknown => decodeForLua('application/json; charset=utf-8', Buffer.from(json), undefined);

describe('event.data', () => {
  test('keeps integers of 64 bits exact, as json.decode does', () => {
    assert.deepEqual(decode('{"id":9007199254740993}'), new Map([['id', 9_007_199_254_740_993n]]));
    assert.deepEqual(decode('{"id":42}'), { id: 42 });
  });

  test('has the keys that were sent, whatever other documents held before', () => {
    // The control: with JSON.parse alone the second document may come out with the key of the first
    // (V8 13.6, nodejs/node issue 63785).
    decode('{"h":[],"\\\\":0}');
    JSON.parse('{"h":[],"\\\\":0}');
    const read = decode('{"h":1,"\\"":2}');
    const keys = read instanceof Map ? [...read.keys()] : Object.keys(read as object);
    assert.deepEqual(keys, ['h', '"']);
  });
});

describe('a structured CloudEvent', () => {
  test('keeps its data exact, integers of 64 bits and all', () => {
    const text = '{"specversion":"1.0","id":"1","type":"a.b","source":"/s","data":{"n":[9007199254740993],"t":"x"}}';
    const call = {
      header: (name: string) => (name === 'content-type' ? 'application/cloudevents+json' : undefined),
      data: decodeForLua('application/cloudevents+json', Buffer.from(text), undefined),
      body: Buffer.from(text),
    };
    const read = readCloudEvents(call as unknown as HttpCall, 'default');
    assert.ok(read.ok, JSON.stringify(read));
    const [event] = read.events;
    assert.ok(event);
    assert.equal(Buffer.from(event.body).toString(), '{"n":[9007199254740993],"t":"x"}');
    assert.equal(event.type, 'a.b');
  });

  test('keeps the time its publisher gave it, and has the one it was stored at without', () => {
    const read = (time: object) => {
      const data = { specversion: '1.0', id: '1', type: 'a.b', source: '/s', ...time };
      const header = (name: string) => (name === 'content-type' ? 'application/cloudevents+json' : undefined);
      return readCloudEvents({ header, data, body: Buffer.alloc(0) } as unknown as HttpCall, 'default');
    };
    const timeOf = (time: object): number => {
      const found = read(time);
      assert.ok(found.ok, JSON.stringify(found));
      const attributes = JSON.stringify(found.events[0]?.attributes);
      const stored = {
        id: '1',
        namespaceUid: 'n',
        type: 'a.b',
        source: '/s',
        time: 7,
        attributes,
        body: Buffer.alloc(0),
      };
      return new StoredEventSource(stored, undefined, 1).time;
    };
    assert.equal(timeOf({ time: '2026-01-31T12:00:00.5+01:00' }), Date.UTC(2026, 0, 31, 11, 0, 0, 500));
    assert.equal(timeOf({}), 7);
    for (const time of ['yesterday', '2026-13-01T00:00:00Z', '2026-01-31', 7]) {
      const found = read({ time });
      assert.ok(!found.ok && found.message.startsWith('time is not a t'), String(time));
    }
  });
});
