/** Raw bytes of a post as a value: JSON, a form, or XML without entities of its own. Bounded, since strangers write them. */
import { ApiError } from '@lead-flood/contracts';
import sax from 'sax';
import type { SAXOptions } from 'sax';

export type BodyKind = 'json' | 'form' | 'xml';

export const contentTypes: Readonly<Record<BodyKind, readonly string[]>> = {
  json: ['application/json'],
  form: ['application/x-www-form-urlencoded'],
  xml: ['application/xml', 'text/xml'],
};

const FIELDS_MAX = 1_000;
const ELEMENTS_MAX = 2_000;
const DEPTH_MAX = 16;

/** Throws `invalid_payload`. */
export const readBody: Readonly<Record<BodyKind, (raw: Buffer) => unknown>> = {
  json: (raw) => {
    try {
      return JSON.parse(raw.toString('utf8'));
    } catch {
      throw refused('the body is not JSON');
    }
  },
  form: (raw) => {
    const fields = [...new URLSearchParams(raw.toString('utf8'))];
    if (fields.length > FIELDS_MAX) throw refused(`the form has more than ${FIELDS_MAX} fields`);
    return collect(fields);
  },
  xml: (raw) => readXml(raw.toString('utf8')),
};

type Element = { readonly name: string; readonly fields: [string, unknown][]; text: string };

/** `{ root: { a: 'text', b: ['twice', 'there'] } }`; attributes are not read, since no sender uses them. */
function readXml(text: string): unknown {
  const parser = sax.parser(true, { strictEntities: true } as SAXOptions);
  const open: Element[] = [{ name: '', fields: [], text: '' }];
  let elements = 0;
  const last = (): Element => open.at(-1) as Element;
  parser.onerror = (error) => {
    throw refused(`the body is not XML: ${error.message.split('\n', 1)[0] ?? ''}`);
  };
  parser.ondoctype = () => {
    throw refused('the body has a document type: entities are not taken');
  };
  parser.onopentag = ({ name }) => {
    elements += 1;
    if (elements > ELEMENTS_MAX || open.length > DEPTH_MAX) throw refused('the body has too many or too deep elements');
    open.push({ name, fields: [], text: '' });
  };
  parser.ontext = (piece) => {
    last().text += piece;
  };
  parser.oncdata = parser.ontext;
  parser.onclosetag = () => {
    const { name, fields, text: words } = open.pop() as Element;
    last().fields.push([name, fields.length === 0 ? words.trim() : collect(fields)]);
  };
  parser.write(text).close();
  if (last().fields.length !== 1) throw refused('the body is not XML: it has one element, with all others in it');
  return collect(last().fields);
}

/** A name that comes twice has a list; no name can reach a prototype. */
function collect(fields: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  const lists = new Map<string, unknown[]>();
  for (const [name, value] of fields) {
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [value]);
    else list.push(value);
  }
  return Object.assign(
    Object.create(null) as Record<string, unknown>,
    Object.fromEntries([...lists].map(([name, list]) => [name, list.length === 1 ? list[0] : list])),
  );
}

const refused = (why: string): ApiError => new ApiError('invalid_payload', why);
