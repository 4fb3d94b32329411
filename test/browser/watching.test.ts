/** What the console watches and does, in a real browser, in front of a real local run. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { openLocalConsole } from '../../src/cli/local-console.ts';
import { openPage, shareBrowser } from './start-console.ts';
import { signingSecret, startShop } from './watched-shop.ts';

test('the watching half of the console', async (t) => {
  const shop = await startShop(t);
  const browser = await shareBrowser(t);
  const open = async (context: TestContext, section?: string): Promise<Page> => {
    const page = await openPage(context, shop.console.url, browser);
    if (section !== undefined) {
      await page.getByRole('navigation').getByRole('link', { name: section, exact: true }).click();
      await page.getByRole('heading', { name: section, level: 1 }).waitFor();
    }
    return page;
  };
  const rowOf = (page: Page, text: string | RegExp): Locator => page.getByRole('row').filter({ hasText: text }).first();
  const setKey = (value: string): Promise<unknown> =>
    fetch(`${shop.console.place}/api/keys`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${shop.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ namespace: 'shop', function: 'orders', key: 'open', value }),
    });

  await t.test('a dead letter tells why it died, and runs again only after a question', async (context) => {
    await shop.post('/shop/paid', { id: 1 });
    const page = await open(context, 'Dead letters');
    await rowOf(page, 'the shop is closed').getByRole('button').click();
    const story = page.getByRole('complementary', { name: 'Story' });
    await story.getByText('trigger paid · dead').first().waitFor();
    await setKey('true');
    await story.getByRole('button', { name: 'Replay' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 to shop/orders').waitFor();
    // Control: whoever leaves the question has done nothing.
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    assert.equal((await shop.run.findRecords({ functionName: 'orders', outcomes: ['ok'] })).length, 0);
    await story.getByRole('button', { name: 'Replay' }).click();
    await dialog.getByRole('button', { name: 'Replay 1 delivery' }).click();
    await page.getByText('No dead letters').waitFor();
    const [ran] = await shop.run.findRecords({ functionName: 'orders', outcomes: ['ok'] });
    assert.equal(ran?.log?.[0]?.message, 'booked');
  });

  await t.test('several dead letters are chosen, or all of one function taken', async (context) => {
    await fetch(`${shop.console.place}/api/keys?namespace=shop&function=orders&key=open`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${shop.token}` },
    });
    for (const id of [2, 3, 4]) await shop.post('/shop/paid', { id });
    const page = await open(context, 'Dead letters');
    await page.getByRole('checkbox').nth(2).waitFor();
    await setKey('true');
    await page.getByRole('checkbox').nth(0).check();
    await page.getByRole('checkbox').nth(1).check();
    await page.getByRole('button', { name: 'Replay chosen (2)' }).click();
    await page.getByRole('button', { name: 'Replay 2 deliveries' }).click();
    await page.getByText('2 deliveries will run again.').waitFor();
    await page.getByRole('button', { name: 'Replay all of these' }).and(page.locator(':disabled')).waitFor();
    await page.getByLabel('Whose').fill('shop/orders');
    await page.getByRole('button', { name: 'Replay all of these' }).click();
    await page.getByRole('button', { name: 'Replay 1 delivery' }).click();
    await page.getByText('No dead letters').waitFor();
  });

  await t.test('a delivery that is retried says when and why, and is cancelled after a question', async (context) => {
    await shop.post('/shop/invoices', {});
    const page = await open(context, 'Deliveries');
    const row = rowOf(page, 'whs/shop/accounting');
    await row.getByText('retrying').waitFor();
    await row.getByText(/^in \d+ (min|h)$/).waitFor();
    await row.getByText('answered 503').waitFor();
    await row.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Cancel chosen (1)' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 1 delivery' }).click();
    await page.getByText('1 delivery cancelled.').waitFor();
    await page.getByLabel('State').selectOption('cancelled');
    await rowOf(page, 'whs/shop/accounting').getByText('cancelled', { exact: true }).waitFor();
  });

  await t.test(
    'a subscription shows its health and how many secrets sign, never a secret, and is pinged',
    async (context) => {
      const page = await open(context, 'Subscriptions');
      const card = page.getByRole('listitem').filter({ hasText: 'whs/shop/accounting' });
      await card.getByText('failing', { exact: true }).waitFor();
      await card.getByText(/2 secrets: a rotation is under way/).waitFor();
      const answers = await Promise.all(
        ['subscriptions', 'subscriptions/shop/accounting', 'routes'].map(async (path) =>
          (
            await fetch(`${shop.console.place}/api/${path}`, { headers: { authorization: `Bearer ${shop.token}` } })
          ).text(),
        ),
      );
      const shown = answers.join() + (await page.content());
      // Control: what is no secret is there.
      assert.match(shown, /127\.0\.0\.1:\d+\/hook/);
      const bare = signingSecret.slice('whsec_'.length);
      for (const secret of [bare, Buffer.from(bare, 'base64').toString()]) assert.ok(!shown.includes(secret));
      shop.subscriber.status = 204;
      await card.getByRole('button', { name: 'Send a test event' }).click();
      await card.getByLabel('Answer to the test event').getByText('204').first().waitFor();
    },
  );

  await t.test('a typed path tells what takes it, a sender id what became of it', async (context) => {
    const page = await open(context, 'Routes');
    await rowOf(page, '/shop/gh').getByText('github').waitFor();
    const url = page.getByLabel('Path or URL');
    await url.fill('/shop/price');
    await page.getByRole('button', { name: 'Explain' }).click();
    const explanation = page.getByLabel('Explanation');
    await explanation.getByText('did you mean "prices"').waitFor();
    await url.fill('/shop/prices');
    await page.keyboard.press('Enter');
    await explanation.getByText('shop/prices, trigger web by route /shop/prices').waitFor();
    await page.getByRole('link', { name: 'shop/prices' }).first().waitFor();
    const refused = { 'x-github-event': 'push', 'x-github-delivery': 'gh-17', 'x-hub-signature-256': 'sha256=00' };
    assert.equal((await shop.post('/shop/gh', {}, refused)).status, 401);
    await page.getByLabel("Call, event, delivery, or the sender's own id").fill('gh-17');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Story' }).getByText('SignatureMalformed').first().waitFor();
  });

  await t.test(
    'a call that published from outside names the bus it went to, and leads to its deliveries',
    async (context) => {
      const published = await fetch(`${shop.run.addresses.calls}/events/shop`, {
        method: 'POST',
        headers: { authorization: `Bearer ${shop.token}`, 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify({ specversion: '1.0', type: 'shop.invoice.paid', source: '/till', id: 'till-9' }),
      });
      assert.equal(published.status, 202);
      const page = await open(context, 'Calls');
      const row = rowOf(page, 'POST /events/shop');
      await row.getByText('bus of shop').waitFor();
      await row.getByRole('button').click();
      const story = page.getByRole('complementary', { name: 'Story' });
      await story.getByText('whs/shop/accounting').first().waitFor();
    },
  );

  await t.test('schedules say when they run next, in their own time zone', async (context) => {
    const page = await open(context, 'Schedules');
    const row = rowOf(page, 'shop/nightly');
    await row.getByText('0 3 1 * *').waitFor();
    await row.getByText('Europe/Berlin').waitFor();
    await row.getByText(/\(in \d+ (d|h|min|s)\)/).waitFor();
  });

  await t.test('a key is changed only if nobody did meanwhile, and deleted after a question', async (context) => {
    const page = await open(context, 'Keys');
    await page.getByLabel('Whose').fill('shop/orders');
    await page.getByRole('button', { name: 'Edit open' }).click();
    await page.getByLabel('Value, as JSON').fill('"mine"');
    await setKey('"theirs"');
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    await page.getByText(/has version \d+, not \d+: read it again/).waitFor();
    await rowOf(page, '"theirs"').waitFor();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await page.getByRole('button', { name: 'Edit open' }).click();
    await page.getByLabel('Value, as JSON').fill('"mine"');
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    await rowOf(page, '"mine"').waitFor();
    await page.getByRole('button', { name: 'Delete open' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No keys here.').waitFor();
  });

  await t.test('charts say their values in words, by arrow key and in a table', async (context) => {
    const page = await open(context);
    const calls = page.getByRole('img', { name: /^Calls: calls / });
    const turn = async (): Promise<void> => {
      for (let call = 0; call < 5; call += 1) await shop.post('/shop/prices', {});
    };
    // Measured every two seconds: until the chart has two points with calls between.
    for (let left = 30; left > 0; left -= 1) {
      await turn();
      const name = (await calls.getAttribute('aria-label', { timeout: 30_000 })) ?? '';
      if (/highest [1-9]/.test(name)) break;
      await page.waitForResponse(/\/api\/measures/);
    }
    assert.match((await calls.getAttribute('aria-label')) ?? '', /highest [0-9.]+\/s/);
    await calls.focus();
    await page.keyboard.press('Home');
    const figure = page.getByRole('figure', { name: 'Calls' });
    await figure.locator('path.cross').waitFor({ state: 'attached' });
    await figure.getByText('Table').click();
    await figure.getByRole('cell', { name: /\/s$/ }).first().waitFor();
    const functions = page.getByRole('table', { name: 'Functions and their last minute' });
    // More than the tests before made of anything else.
    for (let more = 0; more < 12; more += 1) await turn();
    await functions
      .getByRole('row')
      .filter({ hasText: 'shop/prices' })
      .getByText(/^[0-9.]+\/s$/)
      .waitFor();
    await page.getByLabel('Order').selectOption('rate');
    await functions.getByRole('row').nth(1).getByText('shop/prices').waitFor();
  });

  await t.test('a function is called, its log filtered, suspended and resumed', async (context) => {
    const page = await open(context);
    await page.getByRole('button', { name: 'shop/prices' }).click();
    await page.getByRole('tab', { name: 'Invoke' }).click();
    await page.getByLabel('Body, as JSON').fill('{"say":"from the console"}');
    await page.getByRole('button', { name: 'Call it' }).click();
    await page.getByLabel('Answer of the call').getByText('"price":12').waitFor();
    await page.getByRole('tab', { name: 'Log' }).click();
    const log = page.getByRole('list', { name: 'Log' });
    await log.getByText('from the console').waitFor();
    await page.getByLabel('From level').selectOption('warn');
    await log.getByText('from the console').waitFor({ state: 'detached' });
    await log.getByText('prices are old').first().waitFor();
    const text = (): string => readFileSync(join(shop.folder, 'shop.yaml'), 'utf8');
    const act = async (verb: string): Promise<void> => {
      await page.getByRole('button', { name: verb, exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    };
    await act('Suspend');
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    assert.match(text(), /suspend: true/);
    assert.equal((await shop.post('/shop/prices', {})).status, 503);
    await act('Resume');
    await page.getByRole('button', { name: 'Suspend', exact: true }).waitFor();
    assert.equal((await shop.post('/shop/prices', {})).status, 200);
    // The place is kept in the address.
    await page.reload();
    await page.getByRole('tab', { name: 'Log', selected: true }).waitFor();
  });

  await t.test(
    'a page that lost the line says so, comes back by itself, and shows what came meanwhile',
    async (context) => {
      const page = await open(context, 'Calls');
      await page.getByText('Live', { exact: true }).waitFor();
      await shop.console.close();
      await page.getByRole('alert').getByText('The connection to Moonhook is gone').waitFor();
      const answer = await shop.post('/shop/prices', { say: 'in the dark' });
      const id = answer.headers.get('x-call-id') ?? '';
      assert.equal(await page.getByRole('button', { name: id }).count(), 0);
      const port = Number(new URL(shop.console.place).port);
      const again = await openLocalConsole(shop.run, { port, onDefect: (message) => assert.fail(message) });
      context.after(() => again.close());
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByText(/^Line lost .*: Moonhook was restarted/).waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
      await page.getByRole('button', { name: id }).waitFor();
    },
  );
});
