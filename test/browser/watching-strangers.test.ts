/** What strangers write, in every place the console shows it: text, never markup; and nobody is shut out of a page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { axeFindings } from './axe-findings.ts';
import { openPage, shareBrowser } from './start-console.ts';
import { startShop } from './watched-shop.ts';

const markup = `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`;
const link = `javascript:document.title='run'`;
const sections = ['Overview', 'Calls', 'Deliveries', 'Dead letters', 'Subscriptions', 'Routes', 'Schedules', 'Keys'];

test('what strangers write', async (t) => {
  const shop = await startShop(t);
  shop.subscriber.body = markup;
  await shop.post('/shop/paid', { why: markup });
  await shop.post('/shop/prices', { say: markup });
  await shop.post('/shop/invoices', { type: 'shop.invoice.created' });
  const refused = { 'x-github-event': markup, 'x-github-delivery': 'gh-1', 'x-hub-signature-256': link };
  await shop.post(`/shop/gh?next=${encodeURIComponent(link)}`, { a: markup }, refused);
  const api = (method: string, path: string, body: object): Promise<Response> =>
    fetch(`${shop.console.place}/api/${path}`, {
      method,
      headers: { authorization: `Bearer ${shop.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const key = { namespace: 'shop', function: 'orders', key: markup, value: JSON.stringify(markup) };
  assert.equal((await api('PUT', 'keys', key)).status, 200);
  const browser = await shareBrowser(t);
  const page = await openPage(t, shop.console.url, browser);
  const go = async (section: string): Promise<void> => {
    await page.getByRole('navigation').getByRole('link', { name: section, exact: true }).click();
    await page.getByRole('heading', { name: section, level: 1 }).waitFor();
  };

  await t.test('stays text in every list and every story', async () => {
    const shown = page.getByText(markup);
    await go('Dead letters');
    await page.getByRole('row').filter({ hasText: markup }).getByRole('button').click();
    await page.getByRole('complementary', { name: 'Story' }).getByText(markup).first().waitFor();
    await unharmed(page);
    await go('Deliveries');
    await page.getByRole('row').filter({ hasText: markup }).first().waitFor();
    await unharmed(page);
    await go('Subscriptions');
    await shown.first().waitFor();
    await unharmed(page);
    await go('Calls');
    await page.getByLabel('Id').fill('gh-1');
    await page.getByRole('row').nth(1).getByRole('button').click();
    const story = page.getByRole('complementary', { name: 'Story' });
    await story.getByText('Headers of the refused request').click();
    await story.getByText(`x-github-event: ${markup}`).waitFor();
    await unharmed(page);
    await go('Keys');
    await page.getByLabel('Whose').fill('shop/orders');
    await shown.first().waitFor();
    await unharmed(page);
    await page.getByRole('button', { name: 'shop/prices' }).click();
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('list', { name: 'Log' }).getByText(markup).waitFor();
    await unharmed(page);
  });

  await t.test('would have been seen, had it been markup', async (context) => {
    const other = await browser.newPage();
    context.after(() => other.close());
    await other.goto(shop.console.place);
    await other.getByText('needs the token').waitFor();
    await unharmed(other);
    await other.evaluate(`document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(markup)})`);
    await other.locator('img').waitFor({ state: 'attached' });
    await assert.rejects(unharmed(other), /became markup/);
    // Even then the page's own policy lets nothing of it run.
    assert.equal(await other.title(), 'Moonhook');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    await t.test(`shuts nobody out of any page, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      const what = colorScheme === 'light' ? 'all' : 'colours';
      for (const section of sections) {
        await go(section);
        if (section === 'Keys') await page.getByLabel('Whose').fill('shop/orders');
        const loaded = section === 'Subscriptions' ? page.getByRole('listitem') : page.getByRole('row');
        await loaded.nth(1).waitFor();
        assert.deepEqual(await axeFindings(page, what), [], section);
      }
      await go('Dead letters');
      await page.getByRole('row').nth(1).getByRole('button').click();
      await page.getByRole('complementary', { name: 'Story' }).getByRole('button', { name: 'Replay' }).click();
      await page.getByRole('dialog').getByText('to shop/orders').waitFor();
      assert.deepEqual(await axeFindings(page, what), [], 'a question');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      for (const tab of ['Log', 'Invoke']) {
        await page.getByRole('button', { name: 'shop/prices' }).click();
        await page.getByRole('tab', { name: tab }).click();
        await page.getByRole('tab', { name: tab, selected: true }).waitFor();
        assert.deepEqual(await axeFindings(page, what), [], tab);
      }
    });
  }

  await t.test('is reached with the keyboard alone', async () => {
    await go('Dead letters');
    const first = page.getByRole('row').nth(1).getByRole('button');
    await first.focus();
    await page.keyboard.press('Enter');
    const story = page.getByRole('complementary', { name: 'Story' });
    await story.getByRole('heading', { level: 2 }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await story.waitFor({ state: 'detached' });
    const functions = page.getByRole('list', { name: 'Functions' });
    await functions.getByRole('button').first().focus();
    await page.keyboard.press('End');
    await functions.getByRole('button', { name: 'shop/pushes' }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: 'Edit' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Calls', selected: true }).and(page.locator(':focus')).waitFor();
  });
});

/** Nothing of it became an element or ran. */
async function unharmed(page: Page): Promise<void> {
  const elements = await page.locator('img, script:not([src]), a[href^="javascript"]').count();
  if (elements > 0 || (await page.title()) !== 'Moonhook') throw new Error('what a stranger wrote became markup');
}
