/** `time`: the clock and the usual written forms of a moment. */
import type { HostArguments } from '../lua/types.ts';
import { failed, inHandler, pure } from './define.ts';
import type { HostModule } from './types.ts';

const latest = 253_402_300_799.999;
const seconds = { name: 'seconds', type: 'number', description: 'seconds since 1970-01-01T00:00:00Z' };

const isoPattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?([Zz]|[+-]\d{2}:?\d{2})?)?$/;
const httpPattern = /^(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (GMT|UTC|[+-]\d{4})$/;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds of ISO 8601 / RFC 3339 (UTC where no zone is given) or an HTTP date (RFC 9110 §5.6.7); undefined: neither. */
export function parseTime(text: string): number | undefined {
  const iso = isoPattern.exec(text);
  if (iso !== null) {
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone = 'Z'] = iso;
    const ms = Math.floor(Number(`0.${fraction}`) * 1000);
    return moment([year, month, day, hour, minute, second].map(Number), ms, zone);
  }
  const http = httpPattern.exec(text);
  if (http === null) return undefined;
  const [, day, name = '', year, hour, minute, second, zone = 'GMT'] = http;
  const month = months.findIndex((known) => known.toLowerCase() === name.toLowerCase()) + 1;
  return moment([year, month, day, hour, minute, second].map(Number), 0, zone);
}

function moment(fields: readonly number[], ms: number, zone: string): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  // RFC 3339 §5.7: 60 is a leap second; it counts as the start of the next minute.
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1) return undefined;
  date.setUTCHours(hour, minute, second, ms);
  const offset = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (offset === null) return date.getTime();
  const [, sign, hours, minutes] = offset;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return date.getTime() - (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
}

/** The moment of an argument in milliseconds. */
function momentArgument(args: HostArguments): number {
  const value = args.number(1);
  if (!(value >= -62_135_596_800 && value <= latest)) return args.fail(1, 'seconds of a year from 1 to 9999 expected');
  return Math.round(value * 1000);
}

export const time: HostModule = {
  name: 'time',
  summary: 'The wall clock and written forms of a moment. Moments are seconds since 1970 in UTC, with fractions.',
  entries: [
    {
      name: 'time.now',
      summary: 'The present moment with milliseconds.',
      parameters: [],
      returns: [seconds],
      errors: ['not available while a module loads'],
      example: `return function()
  assert(time.now() > 1.7e9)
end`,
      caps: 'none',
      implementation: inHandler('time.now', (_, call) => call.now() / 1000),
    },
    {
      name: 'time.iso',
      summary: 'A moment as ISO 8601 / RFC 3339 in UTC, with milliseconds where it has any.',
      parameters: [{ ...seconds, description: 'the moment; `time.iso(time.now())` for the present' }],
      returns: [{ name: 'text', type: 'string', description: '`2026-01-31T12:00:00Z`' }],
      errors: ['raises for years outside 1 to 9999'],
      example: `return function()
  assert(time.iso(0) == "1970-01-01T00:00:00Z")
  assert(time.iso(1.5) == "1970-01-01T00:00:01.500Z")
end`,
      caps: 'none',
      implementation: pure('time.iso', (args) => new Date(momentArgument(args)).toISOString().replace('.000Z', 'Z')),
    },
    {
      name: 'time.http',
      summary: 'A moment as HTTP headers write it (RFC 9110 §5.6.7).',
      parameters: [seconds],
      returns: [{ name: 'text', type: 'string', description: '`Thu, 01 Jan 1970 00:00:00 GMT`' }],
      errors: ['raises for years outside 1 to 9999'],
      example: `return function()
  assert(time.http(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
end`,
      caps: 'none',
      implementation: pure('time.http', (args) => new Date(momentArgument(args)).toUTCString()),
    },
    {
      name: 'time.parse',
      summary: 'Reads ISO 8601 / RFC 3339 (UTC where no zone is given) or an HTTP date.',
      parameters: [
        {
          name: 'text',
          type: 'string',
          description: '`2026-01-31T12:00:00+01:00`, `2026-01-31`, `Thu, 01 Jan 1970 00:00:00 GMT`',
        },
      ],
      returns: [
        { ...seconds, type: 'number?' },
        { name: 'err', type: 'moonhook.Error?', description: 'why it is no moment' },
      ],
      errors: ['answers `nil, err` if the text is none of those or no day of the calendar'],
      answersError: true,
      example: `return function()
  assert(time.parse("1970-01-01T01:00:00+01:00") == 0)
  assert(time.parse("2026-02-30") == nil)
end`,
      caps: 'text ≤ 64 bytes',
      implementation: pure('time.parse', (args) => {
        const text = args.text(1);
        const ms = text.length > 64 ? undefined : parseTime(text.trim());
        return ms === undefined ? failed('the text is neither ISO 8601 nor an HTTP date') : ms / 1000;
      }),
    },
  ],
};
