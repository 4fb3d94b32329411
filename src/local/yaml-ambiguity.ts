/**
 * Unquoted scalars that YAML 1.1 (kubectl, PyYAML, most Go programs) and YAML 1.2 read differently. Sources: the scalar
 * tables of yaml.org/type (bool, int, float, timestamp, merge) and YAML 1.2.2 §10.3.2 (core schema).
 */

export interface Ambiguity {
  /** What each version reads: `true in YAML 1.1, text in YAML 1.2`. */
  readonly message: string;
  /** What to write instead. */
  readonly hint: string;
}

interface Form {
  readonly pattern: RegExp;
  describe(source: string): Ambiguity;
}

const quoted = (source: string): string => `"${source}"`;

const forms: readonly Form[] = [
  {
    pattern: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/,
    describe: (source) => ({
      message: `\`${source}\` is true in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, true for the value`,
    }),
  },
  {
    pattern: /^(?:n|N|no|No|NO|off|Off|OFF)$/,
    describe: (source) => ({
      message: `\`${source}\` is false in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, false for the value`,
    }),
  },
  {
    // A leading zero: octal in 1.1 (or, with an 8 or 9, no number at all), decimal in 1.2.
    pattern: /^[-+]?0[0-9_]+$/,
    describe: (source) => ({
      message: `\`${source}\` with its leading zero is octal in YAML 1.1 and decimal in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, ${decimalOf(source)} for the number`,
    }),
  },
  {
    pattern: /^0o[0-7]+$/,
    describe: (source) => ({
      message: `\`${source}\` is text in YAML 1.1 and octal in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, ${Number(source)} for the number`,
    }),
  },
  {
    pattern: /^[-+]?0b[01_]+$/,
    describe: (source) => ({
      message: `\`${source}\` is a binary number in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, or the number in decimal`,
    }),
  },
  {
    pattern: /^[-+]0x[0-9a-fA-F_]+$|^0x[0-9a-fA-F_]*_[0-9a-fA-F_]*$/,
    describe: (source) => ({
      message: `\`${source}\` is a number in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, or the number in decimal`,
    }),
  },
  {
    pattern: /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
    describe: (source) => ({
      message: `\`${source}\` is a number in base 60 in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)}`,
    }),
  },
  {
    pattern: /^[-+]?(?=[^_]*_)(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?$/,
    describe: (source) => ({
      message: `\`${source}\` is a number in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, ${source.replaceAll('_', '')} for the number`,
    }),
  },
  {
    // 1.1 wants a point in the mantissa and a sign in the exponent; 1.2 neither.
    pattern: /^[-+]?(?:[0-9]+[eE][-+]?[0-9]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)[eE][0-9]+)$/,
    describe: (source) => ({
      message: `\`${source}\` is text in YAML 1.1 and a number in YAML 1.2`,
      hint: `write ${quoted(source)} for the text, or the number without an exponent`,
    }),
  },
  {
    pattern:
      /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?$/,
    describe: (source) => ({
      message: `\`${source}\` is a date in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)}`,
    }),
  },
  {
    pattern: /^=$/,
    describe: (source) => ({
      message: `\`${source}\` is the default-value mark in YAML 1.1 and text in YAML 1.2`,
      hint: `write ${quoted(source)}`,
    }),
  },
];

function decimalOf(source: string): string {
  const stripped = source.replaceAll('_', '').replace(/^([-+]?)0+(?=[0-9])/, '$1');
  return stripped.startsWith('+') ? stripped.slice(1) : stripped;
}

/** Every form begins with one of these; most scalars do not. */
const firstLetters = /^[-+.=0-9yYnNoO]/;

/** Why an unquoted scalar is read differently by YAML 1.1 and 1.2; undefined: both read the same. */
export function findAmbiguity(source: string): Ambiguity | undefined {
  if (source.length > 64 || !firstLetters.test(source)) return undefined;
  return forms.find(({ pattern }) => pattern.test(source))?.describe(source);
}

/** The merge key `<<`: merges in YAML 1.1, an ordinary key in YAML 1.2. */
export const mergeKeyAmbiguity: Ambiguity = {
  message: 'the merge key `<<` merges in YAML 1.1 and is an ordinary key in YAML 1.2',
  hint: 'write the fields out',
};
