/** Takes the pictures of the console anew for the guide: `node scripts/take-console-pictures.ts`. */
import { join } from 'node:path';
import { test } from 'node:test';
import { openBrowser } from '../test/browser/open-browser.ts';
import { pictured, takePictures } from '../test/browser/console-pictures.ts';
import { startConsole } from '../test/browser/start-console.ts';
import { shrinkPng } from './shrink-png.ts';

// As a test: what it starts ends with it.
test('pictures of the console', async (t) => {
  const options = { publicUrl: 'https://hooks.example.com' };
  const local = await startConsole(t, { files: pictured, options });
  const browser = await openBrowser();
  t.after(() => browser.close());
  const names = await takePictures(
    local,
    browser,
    join(import.meta.dirname, '..', 'docs', 'guide', 'console'),
    shrinkPng,
  );
  t.diagnostic(names.join(' '));
});
