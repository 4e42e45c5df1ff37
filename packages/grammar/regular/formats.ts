/**
 * The formats of JSON Schema as patterns over the whole text.
 *
 * Each accepts only what its RFC does, and where a rule cannot be a small automaton, a little less: no leap seconds,
 * host names of up to 63 characters in all. Names that the standard does not define are annotations, as it says.
 */
const DATE_TABLE =
  "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))" +
  "|((\\d\\d(0[48]|[2468][048]|[13579][26]))|([02468][048]|[13579][26])00)-02-29)";
const TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `(${OCTET}\\.){3}${OCTET}`;
const H16 = "[0-9a-fA-F]{1,4}";
const IPV6 = [
  `(${H16}:){7}${H16}`,
  `(${H16}:){1,7}:`,
  `(${H16}:){1,6}:${H16}`,
  `(${H16}:){1,5}(:${H16}){1,2}`,
  `(${H16}:){1,4}(:${H16}){1,3}`,
  `(${H16}:){1,3}(:${H16}){1,4}`,
  `(${H16}:){1,2}(:${H16}){1,5}`,
  `${H16}:(:${H16}){1,6}`,
  `:((:${H16}){1,7}|:)`,
  `(${H16}:){6}${IPV4}`,
  `::([fF]{4}:)?${IPV4}`,
].join("|");
const LABEL = "[A-Za-z0-9]+(-[A-Za-z0-9]+)*";
const HOSTNAME = `${LABEL}(\\.${LABEL})*`;
/** What mail is sent to; no top-level domain ends with a digit, and clients know. */
const MAIL_DOMAIN = `(${LABEL}\\.)+([A-Za-z0-9]+-+)*[A-Za-z0-9]*[A-Za-z]`;
const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const UNRESERVED = "A-Za-z0-9._~!$&'()*+,;=\\-";
const PERCENT = "%[0-9A-Fa-f]{2}";
const PCHAR = `([${UNRESERVED}:@]|${PERCENT})`;
const AUTHORITY = `(([${UNRESERVED}:]|${PERCENT})*@)?([${UNRESERVED}]|${PERCENT})*(:\\d*)?`;
const SEGMENTS = `(/${PCHAR}*)*`;
const TAIL = `(\\?(${PCHAR}|[/?])*)?(#(${PCHAR}|[/?])*)?`;
const HIERARCHY = `(//${AUTHORITY}${SEGMENTS}|/(${PCHAR}+${SEGMENTS})?|${PCHAR}+${SEGMENTS})`;
const URI = `[A-Za-z][A-Za-z0-9+.-]*:${HIERARCHY}${TAIL}`;
const RELATIVE_REFERENCE = `(//${AUTHORITY}${SEGMENTS}|/(${PCHAR}+${SEGMENTS})?|([${UNRESERVED}@]|${PERCENT})+${SEGMENTS}|)${TAIL}`;
const TEMPLATE_VARIABLE = "(\\w|%[0-9A-Fa-f]{2})+(:[1-9]\\d{0,3}|\\*)?";
const URI_TEMPLATE = `([A-Za-z0-9._~!$&()*+,;=:@/?#\\[\\]-]|${PERCENT}|\\{[+#./;?&]?${TEMPLATE_VARIABLE}(,${TEMPLATE_VARIABLE})*\\})*`;
const DURATION_TIME = "T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S)";
const DURATION_DATE = "(\\d+D|\\d+M(\\d+D)?|\\d+Y(\\d+M(\\d+D)?)?)";
const POINTER = "(/([^~/]|~[01])*)*";
const REPEATED =
  "([*+?]|\\{\\d{1,3}\\}|\\{\\d{1,3},\\}|\\{\\d,[1-9]\\d{1,2}\\}|\\{0,\\d\\}|\\{1,[1-9]\\}|\\{2,[2-9]\\}|\\{3,[3-9]\\})\\??";
const CLASS_RANGE = "(a-z|A-Z|0-9|1-9|a-f|A-F)";
const CLASS = `\\[\\^?([^\\]\\[\\\\^-]|\\\\[dDwWsStnr.*+?()\\[\\]{}|^$/\\\\-]|${CLASS_RANGE})+-?\\]`;
const ATOM = `([^\\\\^$.*+?()\\[\\]{}|]|\\\\[dDwWsStnr.*+?()\\[\\]{}|^$/\\\\]|\\.|${CLASS})`;
const SEQUENCE = (part: string) => `(\\^?(${part}(${REPEATED})?|\\\\b)*\\$?)`;
const CHOICE = (part: string) => `${SEQUENCE(part)}(\\|${SEQUENCE(part)})*`;
/** Not all of ECMA-262's expressions: characters, classes and one level of groups, repeated. */
const REGEX = CHOICE(`(${ATOM}|\\((\\?:)?${CHOICE(ATOM)}\\))`);

type Format = {
  readonly pattern: string;
  readonly maxLength?: number;
  /** Accepts all that the RFC does, so that its complement is sound too. */
  readonly exact?: boolean;
};

/** Formats of strings. */
const FORMATS: Readonly<Record<string, Format>> = {
  date: { pattern: DATE_TABLE, exact: true },
  time: { pattern: TIME },
  "date-time": { pattern: `${DATE_TABLE}T${TIME}` },
  duration: { pattern: `P(${DURATION_DATE}(${DURATION_TIME})?|${DURATION_TIME}|\\d+W)` },
  email: { pattern: `${ATEXT}(\\.${ATEXT})*@${MAIL_DOMAIN}`, maxLength: 64 },
  "idn-email": { pattern: `${ATEXT}(\\.${ATEXT})*@${MAIL_DOMAIN}`, maxLength: 64 },
  hostname: { pattern: HOSTNAME, maxLength: 63 },
  "idn-hostname": { pattern: HOSTNAME, maxLength: 63 },
  ipv4: { pattern: IPV4, exact: true },
  ipv6: { pattern: IPV6 },
  uri: { pattern: URI },
  iri: { pattern: URI },
  "uri-reference": { pattern: `${URI}|${RELATIVE_REFERENCE}` },
  "iri-reference": { pattern: `${URI}|${RELATIVE_REFERENCE}` },
  "uri-template": { pattern: URI_TEMPLATE },
  uuid: { pattern: "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", exact: true },
  "json-pointer": { pattern: POINTER, exact: true },
  "relative-json-pointer": { pattern: `(0|[1-9]\\d*)(#|${POINTER})`, exact: true },
  regex: { pattern: REGEX },
};

export function formatOf(name: string): Format | undefined {
  return Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
}

/** Lowest and highest whole number of OpenAPI's formats. */
const INTEGER_RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-2147483648, 2147483647],
  int64: [-9223372036854774784, 9223372036854774784],
  uint32: [0, 4294967295],
};

export function integerRangeOf(format: string): readonly [number, number] | undefined {
  return Object.hasOwn(INTEGER_RANGES, format) ? INTEGER_RANGES[format] : undefined;
}
