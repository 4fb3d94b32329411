/** A real browser for tests: an installed Chromium, else the one that the npm package brings. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Nothing of it looks anywhere but at this machine. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openBrowser(): Promise<Browser> {
  const found = installed.find((path) => existsSync(path));
  if (found !== undefined) return chromium.launch({ executablePath: found, args: quiet });
  return chromium.launch({ executablePath: await unpacked(), args: quiet });
}

/**
 * The browser of the package, unpacked once. Test files run beside each other, and a program that is still being written cannot
 * be started: so each unpacks for itself where there is none, and the first to be ready gives it its place.
 */
async function unpacked(): Promise<string> {
  const manifest = join(import.meta.dirname, '..', '..', 'node_modules', '@sparticuz', 'chromium', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  const folder = join(tmpdir(), `moonhook-chromium-${version}`);
  const program = join(folder, 'chromium');
  if (existsSync(program)) return program;
  const own = await mkdtemp(`${folder}-`);
  const script = join(import.meta.dirname, 'unpack-browser.ts');
  await promisify(execFile)(process.execPath, [script], { env: { ...process.env, TMPDIR: own } });
  try {
    await rename(own, folder);
  } catch (error) {
    if (!existsSync(program)) throw error;
    await rm(own, { recursive: true });
  }
  return program;
}
