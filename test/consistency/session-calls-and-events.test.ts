/** The session that calls-and-events.md prints, typed in. */
import { test } from 'node:test';
import { runSession } from '../builders/guide-session.ts';

test('calls-and-events.md: its session runs as it is printed', async (context) => {
  await runSession(context, 'calls-and-events.md');
});
