/** What axe finds on a page. */
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** Rule and place of each breach of WCAG 2.1 A and AA; `colours`: of those alone that another colour scheme may bring. */
export async function axeFindings(page: Page, what: 'all' | 'colours' = 'all'): Promise<readonly string[]> {
  // Through the protocol of the tools: the page's own policy takes no script from elsewhere.
  await page.evaluate(axe.source);
  const rules = what === 'all' ? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] : ['color-contrast'];
  const { violations } = await page.evaluate<AxeResults>(`axe.run({ runOnly: ${JSON.stringify(rules)} })`);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} ${target.join(' ')}`));
}
