/** Pictures of what the console watches, in front of a run in which something happened. */
import type { Page } from 'playwright-core';
import type { ConsoleFixture } from './start-console.ts';

/** A shop beside the functions that are written: one that works, one that fails for good. */
export const watchedFiles: Readonly<Record<string, string>> = {
  'shop.yaml': `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: orders, namespace: shop }
spec:
  code: |
    return function(event)
      local rate = kv.get("rate")
      if not rate then error(fail "no exchange rate is known") end
      log.info("booked", { total = event.data.total * rate })
    end
  triggers:
    - { name: paid, http: { path: paid, mode: async, receiver: { open: {} } } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: prices, namespace: shop }
spec:
  code: |
    return function(event)
      log.info("price asked", { id = event.data.id })
      return { json = { id = event.data.id, price = 12 } }
    end
  triggers:
    - { name: ask, http: { path: prices, receiver: { open: {} } } }
`,
};

/** Measurements that the charts show. */
const points = 6;

export async function pictureWatching(
  page: Page,
  local: ConsoleFixture,
  take: (name: string) => Promise<void>,
): Promise<void> {
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await local.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    await answer.text();
  };
  const go = (section: string): Promise<void> =>
    page.getByRole('navigation').getByRole('link', { name: section, exact: true }).click();
  await page.setViewportSize({ width: 1440, height: 900 });
  await go('Overview');
  for (let total = 1; total <= 4; total += 1) await post('/shop/paid', { total });
  for (let point = 0; point < points; point += 1) {
    const measured = page.waitForResponse(/\/api\/measures/);
    for (let id = 0; id < 6 + 5 * (point % 3); id += 1) await post('/shop/prices', { id });
    await measured;
  }
  await page.getByRole('row').filter({ hasText: 'shop/prices' }).getByText(/\/s$/).waitFor();
  await take('overview');
  await go('Dead letters');
  await page.getByRole('row').nth(1).getByRole('button').click();
  await page.getByRole('complementary', { name: 'Story' }).getByText('no exchange rate is known').first().waitFor();
  await take('dead-letters');
  await go('Routes');
  await page.getByLabel('Path or URL').fill('/shop/price');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByLabel('Explanation').getByText('did you mean').waitFor();
  await take('routes');
}
