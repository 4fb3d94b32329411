import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testEngine, valuesOf } from '../../test/builders/test-engine.ts';
import { formatDate } from './os-functions.ts';

describe('os in the sandbox', () => {
  test('dates follow C in the C locale, in UTC', () => {
    const date = new Date('2024-12-30T04:05:06Z');
    const samples = {
      '%a %A %b %B %h': 'Mon Monday Dec December Dec',
      '%c': 'Mon Dec 30 04:05:06 2024',
      '%C %y %Y %G %g %V': '20 24 2024 2025 25 01',
      '%d %e %j %u %w %U %W': '30 30 365 1 1 52 53',
      '%D %F %x': '12/30/24 2024-12-30 12/30/24',
      '%H %I %M %S %p %r %R %T %X': '04 04 05 06 AM 04:05:06 AM 04:05 04:05:06 04:05:06',
      '%s %z %Z %% %n%t': '1735531506 +0000 UTC % \n\t',
    };
    for (const [format, text] of Object.entries(samples)) assert.equal(formatDate(format, date), text);
    assert.throws(() => formatDate('%Q', date), /invalid conversion specifier '%Q'/);
  });

  test('os.time normalises fields and reads the clock only without a table', async () => {
    const { engine, run } = await testEngine({ now: () => 1_700_000_000_999 });
    const code = `local fixed = os.time({ year = 2024, month = 14, day = -1, hour = 0 })
      return function()
        local t = os.date("*t", 86399)
        return fixed, os.time(), os.date("!%F"), t.hour, t.yday, t.isdst, os.difftime(5, 3), pcall(os.time, { year = 2024 })
      end`;
    const values = valuesOf(await run(code));
    assert.deepEqual(values.slice(0, 8), [
      Date.UTC(2025, 1, -1) / 1000,
      1_700_000_000,
      '2023-11-14',
      23,
      1,
      false,
      2,
      false,
    ]);
    assert.equal(values[8], "fn:4: field 'month' missing in date table");
    await engine.close();
  });
});
