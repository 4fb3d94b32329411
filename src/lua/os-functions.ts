/** `os.time`, `os.date` and `os.clock` of the sandbox: UTC, and clocks only through the call. */
import type { Call } from './call.ts';
import {
  LuaRaise,
  type DirectHostFunction,
  type HostArguments,
  type LuaInput,
  type LuaKey,
  type LuaValue,
} from './types.ts';

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const two = (value: number): string => String(value).padStart(2, '0');
/** Seconds a JavaScript Date can show. */
const dateRange = 8.64e12;

function seconds(args: HostArguments, position: number, now: () => number): number {
  const given = args.optionalNumber(position);
  const value = given === undefined ? Math.floor(now() / 1000) : Math.floor(given);
  if (!(Math.abs(value) <= dateRange)) args.fail(position, 'time result cannot be represented');
  return value;
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

/** Week of the year by its first Sunday (0) or Monday (1). */
function weekOf(date: Date, first: number): number {
  return Math.floor((dayOfYear(date) + 6 - ((date.getUTCDay() - first + 7) % 7)) / 7);
}

/** ISO 8601 week: [year, week]. */
function isoWeek(date: Date): [number, number] {
  const thursday = new Date(date.getTime());
  thursday.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  return [thursday.getUTCFullYear(), Math.floor((dayOfYear(thursday) - 1) / 7) + 1];
}

/** One conversion of C99's strftime in the C locale (ISO/IEC 9899:1999 §7.23.3.5); undefined: no such conversion. */
function conversion(letter: string, date: Date): string | undefined {
  const each = (format: string): string => formatDate(format, date);
  const hour = date.getUTCHours();
  switch (letter) {
    case 'a':
      return (weekdays[date.getUTCDay()] ?? '').slice(0, 3);
    case 'A':
      return weekdays[date.getUTCDay()];
    case 'b':
    case 'h':
      return (months[date.getUTCMonth()] ?? '').slice(0, 3);
    case 'B':
      return months[date.getUTCMonth()];
    case 'c':
      return each('%a %b %e %H:%M:%S %Y');
    case 'C':
      return two(Math.floor(date.getUTCFullYear() / 100));
    case 'd':
      return two(date.getUTCDate());
    case 'D':
    case 'x':
      return each('%m/%d/%y');
    case 'e':
      return String(date.getUTCDate()).padStart(2, ' ');
    case 'F':
      return each('%Y-%m-%d');
    case 'g':
      return two(isoWeek(date)[0] % 100);
    case 'G':
      return String(isoWeek(date)[0]);
    case 'H':
      return two(hour);
    case 'I':
      return two(hour % 12 === 0 ? 12 : hour % 12);
    case 'j':
      return String(dayOfYear(date)).padStart(3, '0');
    case 'm':
      return two(date.getUTCMonth() + 1);
    case 'M':
      return two(date.getUTCMinutes());
    case 'n':
      return '\n';
    case 'p':
      return hour < 12 ? 'AM' : 'PM';
    case 'r':
      return each('%I:%M:%S %p');
    case 'R':
      return each('%H:%M');
    case 's':
      return String(Math.floor(date.getTime() / 1000));
    case 'S':
      return two(date.getUTCSeconds());
    case 't':
      return '\t';
    case 'T':
    case 'X':
      return each('%H:%M:%S');
    case 'u':
      return String(date.getUTCDay() || 7);
    case 'U':
      return two(weekOf(date, 0));
    case 'V':
      return two(isoWeek(date)[1]);
    case 'w':
      return String(date.getUTCDay());
    case 'W':
      return two(weekOf(date, 1));
    case 'y':
      return two(date.getUTCFullYear() % 100);
    case 'Y':
      return String(date.getUTCFullYear());
    case 'z':
      return '+0000';
    case 'Z':
      return 'UTC';
    case '%':
      return '%';
    default:
      return undefined;
  }
}

/** Formats a date; throws for a conversion that does not exist. */
export function formatDate(format: string, date: Date): string {
  let text = '';
  for (let at = 0; at < format.length; at += 1) {
    const letter = format[at] ?? '';
    if (letter !== '%') {
      text += letter;
      continue;
    }
    at += 1;
    const found = conversion(format[at] ?? '', date);
    if (found === undefined) {
      throw new LuaRaise(`bad argument #1 to 'date' (invalid conversion specifier '%${format[at] ?? ''}')`);
    }
    text += found;
  }
  return text;
}

function fields(date: Date): LuaInput {
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    min: date.getUTCMinutes(),
    sec: date.getUTCSeconds(),
    wday: date.getUTCDay() + 1,
    yday: dayOfYear(date),
    isdst: false,
  };
}

function field(table: ReadonlyMap<LuaKey, LuaValue>, name: string, missing: number | undefined): number {
  const value = table.get(name);
  if (value === undefined && missing !== undefined) return missing;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (number === undefined) throw new LuaRaise(`field '${name}' missing in date table`);
  if (typeof number !== 'number' || !Number.isInteger(number)) throw new LuaRaise(`field '${name}' is not an integer`);
  if (Math.abs(number) > 0x7fffffff) throw new LuaRaise(`field '${name}' is out-of-bound`);
  return number;
}

/** The clock functions of `os`. With a table, `os.time` reads no clock and may run at load time. */
export function osFunctions(): DirectHostFunction<never>[] {
  const refuseAtLoad = (call: { readonly loading: boolean }, name: string): void => {
    if (call.loading) throw new LuaRaise(`'${name}' at load time: move it into the handler`);
  };
  return [
    {
      kind: 'direct',
      name: 'os.time',
      atLoad: true,
      run(args, call) {
        if (args.count === 0 || args.type(1) === 'nil') {
          refuseAtLoad(call, 'os.time');
          return Math.floor(call.now() / 1000);
        }
        if (args.type(1) !== 'table') args.fail(1, `table expected, got ${args.type(1)}`);
        const table = args.value(1);
        const given = table instanceof Map ? table : new Map<LuaKey, LuaValue>();
        const [year, month, day] = [
          field(given, 'year', undefined),
          field(given, 'month', undefined),
          field(given, 'day', undefined),
        ];
        const [hour, min, sec] = [field(given, 'hour', 12), field(given, 'min', 0), field(given, 'sec', 0)];
        const date = new Date(0);
        date.setUTCFullYear(year, month - 1, day);
        date.setUTCHours(hour, min, sec);
        const time = date.getTime() / 1000;
        if (Number.isNaN(time)) throw new LuaRaise('time result cannot be represented in this installation');
        return time;
      },
    },
    {
      kind: 'direct',
      name: 'os.date',
      atLoad: true,
      run(args, call) {
        const format = (args.optionalText(1) ?? '%c').replace(/^!/, '');
        if (format.length > 1024) args.fail(1, 'the format is longer than 1024 characters');
        if (args.type(2) === 'nil') refuseAtLoad(call, 'os.date');
        const date = new Date(seconds(args, 2, () => call.now()) * 1000);
        return format.startsWith('*t') ? fields(date) : formatDate(format, date);
      },
    },
    {
      kind: 'direct',
      name: 'os.clock',
      atLoad: false,
      run: (_, call) => (call as unknown as Call).cpuReading() / 1000,
    },
  ];
}
