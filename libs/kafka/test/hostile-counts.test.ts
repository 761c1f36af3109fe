/** A record of a few bytes that announces 2^40 map entries: it used to keep the process busy for ever, also after a restart. */
import { expect, it } from 'vitest';
import { deadLetterFacts, toDeadLetter, toReplay } from '../src/dead-letter.ts';
import { sampleSubmitted, testCodec } from '@lead-flood/testing';

it('a count that the value cannot hold ends at the end of the value', async () => {
  const codec = await testCodec();
  const value = codec.encode('LeadSubmitted', sampleSubmitted({ attributes: {} }));
  await codec.learn(codec.schemaId(value) ?? 0);
  // The value ends with an empty map and a null job: put a huge zigzag count where the map begins.
  const huge = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
  const bomb = Buffer.concat([value.subarray(0, value.length - 2), huge]);
  expect(codec.decode(value)).toMatchObject({ ok: true });
  expect(codec.decode(bomb)).toMatchObject({ ok: false, code: 'KFK_ERR_TRUNCATED' });
});

it('a replay goes to where the message first came from, and neither its tries nor its version go with it', () => {
  const headers = { 'message-id': 'm', version: '4', attempt: '5', origin: 'discovery.lead.v1' };
  const record = {
    topic: 'enrichment.timer.v1',
    partition: 0,
    offset: 7,
    timestamp: 0,
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    headers,
  };
  const letter = toDeadLetter(record, {
    group: 'enrichment',
    code: 'PRC_ERR_EXHAUSTED',
    detail: '',
    step: 'perform',
    at: 0,
  });
  const dead = { ...record, topic: letter.topic, headers: letter.headers };
  expect(deadLetterFacts(dead)).toMatchObject({ topic: 'enrichment.timer.v1', offset: 7 });
  expect(toReplay(dead)).toEqual({
    topic: 'discovery.lead.v1',
    key: record.key,
    value: record.value,
    headers: { 'message-id': 'm', replays: '1', 'replay-for': 'enrichment' },
  });
});

it('a replay goes nowhere that a stranger has named', () => {
  const record = {
    topic: 'ingest.lead.v1',
    partition: 0,
    offset: 7,
    timestamp: 0,
    key: null,
    value: Buffer.from('v'),
    headers: { origin: 'outreach.send.v1' },
  };
  const letter = toDeadLetter(record, {
    group: 'discovery',
    code: 'KFK_ERR_CORRUPT',
    detail: '',
    step: 'decode',
    at: 0,
  });
  expect(toReplay({ ...record, topic: letter.topic, headers: letter.headers })?.topic).toBe('ingest.lead.v1');
});
