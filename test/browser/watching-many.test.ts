/** Long lists in a real browser: 5,000 functions and 10,000 calls; what the page holds and asks for stays small. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import type { CallRecord } from '../../src/runtime/call-record.ts';
import { toRow } from '../../src/runtime/record-rows.ts';
import { openSqliteRecords } from '../../src/store/sqlite-records.ts';
import { openPage, shareBrowser, startConsole } from './start-console.ts';

const functions = 5_000;
const calls = 10_000;
/** Rows that a list may hold at once, whatever its length: those in sight and the spare ones. */
const mostRows = 80;

test('long lists', async (t) => {
  const resources = Array.from({ length: functions }, (_, index) => {
    const name = `hook-${String(index).padStart(4, '0')}`;
    return `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name}, namespace: team-${index % 10} }
spec:
  code: return function() return "x" end
  triggers: [{ name: web, http: { path: ${name}, receiver: { open: {} } } }]
`;
  });
  const local = await startConsole(t, { files: { 'many.yaml': resources.join('---\n') } });
  const page = await openPage(t, local.console.url, await shareBrowser(t));
  const list = page.getByRole('list', { name: 'Functions' });
  await list.getByRole('button', { name: 'team-0/hook-0000' }).waitFor();

  await t.test(`${functions} functions are walked from end to end with few rows and few questions`, async (context) => {
    const asked: number[] = [];
    page.on('response', (response) => {
      if (/\/api\/functions\?/.test(response.url())) asked.push(response.status());
    });
    context.diagnostic(`first rows ${await firstPaint(page)} ms after the page was asked for`);
    const frames = await scrollThrough(list, 60);
    context.diagnostic(`scrolled through in ${frames.length} frames, ${worst(frames)} ms the slowest of 20`);
    await list.getByRole('button', { name: 'team-9/hook-4999' }).waitFor();
    assert.ok((await list.getByRole('listitem').count()) <= mostRows);
    assert.equal(await list.getByRole('listitem').last().getAttribute('aria-setsize'), String(functions));
    assert.ok(asked.length <= functions / 100 + 5, `${asked.length} questions`);
    // The program filters.
    await page.getByLabel('Find a function').fill('team-3/hook-4243');
    await list.getByRole('button', { name: 'team-3/hook-4243' }).waitFor();
    assert.equal(await list.getByRole('listitem').count(), 1);
  });

  await t.test(`${calls} calls are read a page at a time, without a hole or a repeat`, async (context) => {
    const now = Date.now();
    const database = openSqliteRecords(join(local.run.dataDirectory, 'store-records.db'), {
      maxBytes: 1 << 30,
      keepMs: 1e9,
    });
    database.add(Array.from({ length: calls }, (_, index) => toRow(failedCall(index, now - index * 7), roomForAll)));
    database.close();
    await page.getByRole('navigation').getByRole('link', { name: 'Calls', exact: true }).click();
    const table = page.getByRole('table', { name: 'Calls' });
    await table.getByRole('button', { name: 'call-0', exact: true }).waitFor();
    // To the end, again and again, until the list grows no more: the oldest call is there.
    const oldest = table.getByRole('button', { name: `call-${calls - 1}`, exact: true });
    for (let left = calls / 100; left > 0 && (await oldest.count()) === 0; left -= 1) {
      const before = await rowCount(table);
      await table.evaluate((element) => (element.scrollTop = element.scrollHeight));
      await longerThan(page, before).or(oldest).first().waitFor();
    }
    await oldest.waitFor();
    assert.equal(await rowCount(table), calls + 1);
    const frames = await scrollThrough(table, 60);
    context.diagnostic(`scrolled through in ${frames.length} frames, ${worst(frames)} ms the slowest of 20`);
    assert.ok((await table.getByRole('row').count()) <= mostRows);
    // Who reads further down stays where he is while calls come.
    const sight = table.getByRole('button', { name: 'call-5000', exact: true });
    await table.evaluate((element) => (element.scrollTop = 5000 * 34));
    await sight.waitFor();
    const before = (await sight.boundingBox())?.y;
    await local.fetch('/team-0/hook-0000', { method: 'POST' });
    await longerThan(page, calls + 1).waitFor();
    assert.equal((await sight.boundingBox())?.y, before);
  });
});

const roomForAll = { okPerFunction: calls, refusedPerTrigger: calls, unrouted: calls };

function failedCall(index: number, time: number): CallRecord {
  return {
    callId: `call-${index}`,
    time,
    kind: 'http',
    namespace: 'team-0',
    functionName: 'hook-0000',
    functionUid: 'u',
    trigger: 'web',
    outcome: 'error',
    status: 500,
    durationMs: 1,
    error: { message: `mistake ${index}` },
  };
}

/** The table once its number of rows is another one. */
function longerThan(page: Page, rows: number): Locator {
  return page.locator(`[role=table]:not([aria-rowcount="${rows}"])`);
}

async function rowCount(table: Locator): Promise<number> {
  return Number(await table.getAttribute('aria-rowcount'));
}

async function firstPaint(page: Page): Promise<number> {
  return Math.round(await page.evaluate<number>(`performance.getEntriesByType('paint').at(-1)?.startTime ?? 0`));
}

/** From top to bottom, a step with each frame; answers how long each frame took. */
function scrollThrough(list: Locator, steps: number): Promise<readonly number[]> {
  return list.evaluate(async (element, count) => {
    const { requestAnimationFrame: nextFrame } = globalThis as unknown as {
      requestAnimationFrame(callback: () => void): void;
    };
    const took: number[] = [];
    let last = performance.now();
    element.scrollTop = 0;
    for (let step = 1; step <= count; step += 1) {
      element.scrollTop = (element.scrollHeight - element.clientHeight) * (step / count);
      await new Promise<void>((resume) => nextFrame(resume));
      took.push(performance.now() - last);
      last = performance.now();
    }
    return took;
  }, steps);
}

/** The slowest frame, but for one in twenty. */
function worst(frames: readonly number[]): number {
  return Math.round(frames.toSorted((one, other) => one - other)[Math.floor(frames.length * 0.95)] ?? 0);
}
