/** The session that what-happened.md prints, typed in. */
import { test } from 'node:test';
import { runSession } from '../builders/guide-session.ts';

test('what-happened.md: its session runs as it is printed', async (context) => {
  await runSession(context, 'what-happened.md');
});
