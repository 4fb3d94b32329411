/** The forms that attributes of CloudEvents 1.0 have to have (spec §2.5 names the standards). Pure; each in one pass. */

/** RFC 3986, Appendix B. */
const parts = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const scheme = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const authority =
  /^(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?(?:\[[0-9A-Fa-f:.v]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?$/;
const path = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/;
const rest = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/;

/** RFC 3986 §4.1. The empty reference is one, too. */
export function isUriReference(text: string): boolean {
  const found = parts.exec(text);
  if (found === null) return false;
  const [, ownScheme, ownAuthority = '', ownPath = '', query = '', fragment = ''] = found;
  return (
    (ownScheme === undefined ? !text.startsWith(':') : scheme.test(ownScheme)) &&
    authority.test(ownAuthority) &&
    path.test(ownPath) &&
    rest.test(query) &&
    rest.test(fragment)
  );
}

/** RFC 3986 §3: with a scheme. */
export const isUri = (text: string): boolean => isUriReference(text) && /^[^:/?#]+:/.test(text);

/** RFC 3339 §5.6, without leap seconds: no clock here knows them. */
export function isTimestamp(text: string): boolean {
  const found =
    /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(
      text,
    );
  if (found === null) return false;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  return at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
}

/** RFC 2045 §5.1: type, subtype, and whatever parameters. */
export const isMediaType = (text: string): boolean =>
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]+\/[A-Za-z0-9!#$%&'*+.^_`|~-]+[ \t]*(?:;.*)?$/.test(text);
