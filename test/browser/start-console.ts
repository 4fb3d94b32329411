/** A local run with its console, and a browser in front of it; all of it ends with the test. */
import type { TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openLocalConsole, type LocalConsole } from '../../src/cli/local-console.ts';
import { startLocal, type LocalFixture, type LocalFixtureOptions } from '../builders/local-run.ts';
import { openBrowser } from './open-browser.ts';

export interface ConsoleFixture extends LocalFixture {
  readonly console: LocalConsole;
}

/** The console as `moonhook dev` opens it, on a port of its own. */
export async function startConsole(context: TestContext, given: LocalFixtureOptions): Promise<ConsoleFixture> {
  const local = await startLocal(context, given);
  const defects: string[] = [];
  const opened = await openLocalConsole(local.run, { port: 0, onDefect: (message) => void defects.push(message) });
  context.after(async () => {
    await opened.close();
    if (defects.length > 0) throw new Error(defects.join('\n'));
  });
  return { ...local, console: opened };
}

/** A browser that several tests of a file share. */
export async function shareBrowser(context: TestContext): Promise<Browser> {
  const browser = await openBrowser();
  context.after(() => browser.close());
  return browser;
}

/** A page whose mistakes (scripts that throw, content that the policy stopped) fail the test; in a browser of its own, else in `shared`. */
export async function openPage(context: TestContext, url: string, shared?: Browser): Promise<Page> {
  const browser = shared ?? (await openBrowser());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const mistakes: string[] = [];
  page.on('pageerror', (error) => void mistakes.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      mistakes.push(message.text());
    }
  });
  context.after(async () => {
    await (shared === undefined ? browser.close() : page.context().close());
    if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  });
  page.setDefaultTimeout(30_000);
  await page.goto(url);
  return page;
}
