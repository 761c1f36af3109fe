/** Bodies of posts as values, and where their event ids stand. */
import { describe, expect, it } from 'vitest';
import { readBody } from '../src/webhooks-in/body.ts';
import { findEventId } from '../src/webhooks-in/event-id.ts';

const xml = (text: string): unknown => readBody.xml(Buffer.from(text));
const refusal = expect.objectContaining({ code: 'invalid_payload' });

describe('a body of XML', () => {
  it('is its elements by name', () => {
    expect(
      xml('<xml><MsgId>23</MsgId><Content><![CDATA[a < b & c]]></Content><Item>1</Item><Item> 2 </Item><No/></xml>'),
    ).toEqual({ xml: { MsgId: '23', Content: 'a < b & c', Item: ['1', '2'], No: '' } });
  });

  it('has the five entities and numbers, and none of its own', () => {
    expect(xml('<a>&lt;&amp;&quot;&#233;</a>')).toEqual({ a: '<&"é' });
    expect(() => xml('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')).toThrow(refusal);
    expect(() => xml('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>')).toThrow(refusal);
    expect(() => xml('<a>&x;</a>')).toThrow(refusal);
  });

  it.each(['', 'words', '<a>', '<a></b>', '<a/><b/>', '<a', '<a>&lt</a>', '<a b=1/>'])(
    'that is none (%j) is refused',
    (text) => {
      expect(() => xml(text)).toThrow(refusal);
    },
  );

  it('cannot reach a prototype', () => {
    const read = xml('<a><__proto__><polluted>yes</polluted></__proto__><constructor>x</constructor></a>') as {
      a: object;
    };
    expect(Object.keys(read.a)).toContain('constructor');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect((read.a as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each(['<a>', '<', '<!--', '<![CDATA[', '&', '&amp;', '<a b="', '<?', ' ', 'x', '<a/>', ']]>'])(
    'of a megabyte of %j is answered in time',
    (piece) => {
      const before = performance.now();
      for (const text of [piece.repeat(1_000_000 / piece.length), `<r>${piece.repeat(1_000_000 / piece.length)}</r>`])
        try {
          xml(text);
        } catch (error) {
          expect(error).toEqual(refusal);
        }
      expect(performance.now() - before).toBeLessThan(2_000);
    },
  );
});

describe('a body of a form', () => {
  it('is its fields by name', () => {
    expect(readBody.form(Buffer.from('From=%2B44&Body=Yes+%C3%A9&M=1&M=2&__proto__=x'))).toEqual(
      Object.assign(
        Object.create(null) as object,
        JSON.parse('{"From":"+44","Body":"Yes é","M":["1","2"],"__proto__":"x"}'),
      ),
    );
  });

  it('has a bounded number of fields', () => {
    expect(() => readBody.form(Buffer.from('a=1&'.repeat(1_001)))).toThrow(refusal);
  });
});

describe('the id of an event', () => {
  const post = { raw: Buffer.from('bytes'), headers: { 'x-id': 'evt_1' }, body: { update_id: 2 ** 40, a: { b: 'c' } } };

  it('stands in a header, in the body, in several of its fields, or is made of the bytes', () => {
    expect(findEventId({ header: 'x-id' }, post)).toBe('evt_1');
    expect(findEventId({ body: [['update_id']] }, post)).toBe('1099511627776');
    expect(findEventId({ body: [['a', 'b'], ['update_id']] }, post)).toBe('c:1099511627776');
    expect(findEventId('bytes', post)).toMatch(/^[0-9a-f]{64}$/);
    expect(findEventId('bytes', { ...post, raw: Buffer.from('other') })).not.toBe(findEventId('bytes', post));
  });

  it.each([
    [{ header: 'x-other' }],
    [{ body: [['no']] }],
    [{ body: [['a']] }],
    [{ body: [['update_id'], ['a', 'x']] }],
    [{ body: [['constructor', 'name']] }],
  ])('is asked for where it is missing (%j)', (source) => {
    expect(() => findEventId(source, post)).toThrow(expect.objectContaining({ code: 'IGW_ERR_EVENT_ID_MISSING' }));
  });
});
