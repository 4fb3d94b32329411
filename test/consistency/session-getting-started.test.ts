/** The session that getting-started.md prints, typed in. */
import { test } from 'node:test';
import { runSession } from '../builders/guide-session.ts';

test('getting-started.md: its session runs as it is printed', async (context) => {
  await runSession(context, 'getting-started.md');
});
