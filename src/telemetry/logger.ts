/** The process log: JSON lines on a pipe, readable lines on a terminal; control characters never reach a terminal raw. */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { PinoPretty } from 'pino-pretty';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogThreshold = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Shows control characters, line breaks included, as escapes: a tenant's text cannot move the cursor or forge a line. */
export function escapeControls(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function escapeFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [escapeControls(key), escapeValue(value)]));
}

/** Fields hold what scripts log: tables in tables, read by the time they come here and no deeper than they may be. */
function escapeValue(value: unknown): unknown {
  if (typeof value === 'string') return escapeControls(value);
  if (Array.isArray(value)) return value.map(escapeValue);
  if (value instanceof Map) return escapeFields(Object.fromEntries(value as ReadonlyMap<string, unknown>));
  const plain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return plain ? escapeFields(value as LogFields) : value;
}

/** `terminal`: readable lines. Fields must hold no secret; errors are passed as their message. */
export function createLogger(options: {
  readonly level: LogThreshold;
  readonly terminal: boolean;
  readonly colors?: boolean;
  readonly stream: NodeJS.WritableStream;
}): Logger {
  const { level, terminal, colors = false, stream } = options;
  const destination: DestinationStream = terminal
    ? PinoPretty({
        colorize: colors,
        ignore: 'pid,hostname',
        translateTime: 'HH:MM:ss.l',
        singleLine: true,
        destination: stream,
      })
    : { write: (line: string) => void stream.write(line) };
  const log: PinoLogger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const write =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}): void => {
      if (!log.isLevelEnabled(name)) return;
      if (terminal) log[name](escapeFields(fields), escapeControls(message));
      else log[name](fields, message);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
