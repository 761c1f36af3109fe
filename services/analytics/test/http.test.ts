/** Analytics' doors over a real database: what clients see of leads, and that they see nothing of others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeadView } from '@lead-flood/contracts';
import { leadJobRoutes, leadListQuery, leadRoutes, uploadProgressRoutes, leadView } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import type { TestEvent } from '@lead-flood/testing';
import {
  sampleCompany,
  sampleDiscovered,
  sampleEnriched,
  sampleId,
  samplePerson,
  sampleScored,
} from '@lead-flood/testing';
import { listLeads } from '../src/lead-list.ts';
import type { Doors } from './harness.ts';
import { openDoors } from './harness.ts';
import { at, duplicate, fullStory, message, rejection } from './story.ts';

const stranger = { orgId: sampleId('another org') };
const lived = sampleId('lived');
const upload = sampleId('upload');
const icpId = sampleId('icp');
let doors: Doors;

/** Ten leads with scores 5, 15, .. 95, discovered a minute apart, every other one from an upload. */
const scoredLeads = Array.from({ length: 10 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const leadId = sampleId('listed', i);
  const person = samplePerson({ fullName: `Person 100%_${i}`, email: i === 0 ? null : `p${i}@list.example` });
  const company = sampleCompany({ countryIso: i < 3 ? 'NO' : 'SE', name: `Company ${i}` });
  const value = i * 10 + 5;
  const band = value >= 70 ? 'HIGH' : value >= 40 ? 'MEDIUM' : 'LOW';
  const source = i % 2 === 0 ? 'csv' : 'crm';
  return [
    {
      name: 'LeadDiscovered',
      data: sampleDiscovered({
        leadId,
        person,
        company,
        source,
        discoveredAt: at(60_000 * i),
        icpId: i < 2 ? icpId : null,
        jobId: i % 2 === 0 ? upload : null,
      }),
    },
    {
      name: 'LeadEnriched',
      data: sampleEnriched({ leadId, person, company, emailStatus: i < 5 ? 'risky' : 'verified' }),
    },
    { name: 'LeadScored', data: sampleScored({ leadId, person, company, value, band }) },
  ];
});

beforeAll(async () => {
  doors = await openDoors();
  const fresh = sampleDiscovered({ leadId: sampleId('fresh'), discoveredAt: at(3_600_000) });
  await doors.apply(
    ...scoredLeads,
    { name: 'LeadDiscovered', data: fresh },
    { name: 'LeadRejected', data: rejection(sampleId('refused'), upload) },
    { name: 'LeadDuplicated', data: duplicate(sampleId('listed', 0), upload) },
    ...fullStory(lived).flat(),
  );
});

afterAll(async () => {
  await doors.stop();
});

const list = async (query: string): Promise<{ items: LeadView[]; nextCursor: string | null }> =>
  doors.answerOf(leadRoutes.listLeads, `/v1/leads?${query}`);

/** Numbers of the listed leads, in the order of the answer. */
async function listed(query: string): Promise<number[]> {
  const names = new Map(Array.from({ length: 10 }, (_, i) => [sampleId('listed', i), i]));
  const { items } = await list(`limit=100&${query}`);
  return items.flatMap(({ id }) => names.get(id) ?? []);
}

describe('one lead', () => {
  it('[GW-08] shows all that is known: person, enrichment, score, outreach, calls', async () => {
    const lead = await doors.answerOf(leadRoutes.getLead, `/v1/leads/${lived}`);
    expect(leadView.parse(lead)).toMatchObject({
      stage: 'CONVERTED',
      status: 'enriched',
      source: 'crm',
      person: { email: 'zoe.lindqvist@aurora.se.example', phone: '+46846500412', title: 'Buyer' },
      company: { countryIso: 'SE' },
      customFields: { tag: 'fair' },
      submissions: 3,
      enrichment: {
        status: 'COMPLETED',
        emailStatus: 'verified',
        costMicros: 8_000,
        fields: [{ name: 'person.phone' }],
      },
      score: { value: 85, band: 'HIGH', reasons: [{ ruleId: 'default-email', passed: true }] },
      outreach: { messagesSent: 1, replies: 1, notContactedReason: null },
      calls: { tasks: 2, lastOutcome: 'INTERESTED_SIGNUP_LINK_SENT', declinedReason: 'band_low' },
      createdAt: new Date(at(-900)).toISOString(),
    });
  });

  it('[GW-08] has a timeline in our words, with the reasons of the latest score', async () => {
    const { items } = await doors.answerOf(leadRoutes.leadTimeline, `/v1/leads/${lived}/timeline`);
    expect(items).toHaveLength(21);
    expect(items[0]).toMatchObject({ event: 'LeadDiscovered', topic: 'discovery.lead.v1', summary: 'A new lead.' });
    expect(items.map((item) => item.at)).toEqual(items.map((item) => item.at).toSorted());
    expect(items.find((item) => item.summary === 'Scored 85 (HIGH).')?.details).toMatchObject({
      reasons: [{ ruleId: 'default-email' }],
    });
    expect(JSON.stringify(items)).not.toMatch(/zoe|lindqvist|\+46/i);
  });

  it('of another organisation is not there, as one that never was', async () => {
    const refused = await Promise.all([
      doors.ask(`/v1/leads/${lived}`, stranger),
      doors.ask(`/v1/leads/${lived}/timeline`, stranger),
      doors.ask(`/internal/jobs/${derivedId('lead.enrich', lived)}`, stranger),
      doors.ask(`/v1/leads/${sampleId('nobody')}`),
      doors.ask(`/v1/leads/${sampleId('refused')}`),
      doors.ask(`/internal/jobs/${sampleId('no job')}`),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
    expect(refused[0]?.body).toEqual({
      error: { ...(refused[3]?.body['error'] as object), requestId: expect.any(String) as unknown },
    });
    expect(await doors.answerOf(leadRoutes.listLeads, '/v1/leads', stranger)).toEqual({
      items: [],
      nextCursor: null,
    });
  });
});

describe('the list', () => {
  it.each([
    ['stage=OUTREACH_PENDING&sort=createdAt', [4, 5, 6, 7, 8, 9]],
    ['stage=ENRICHED&sort=createdAt', [0, 1, 2, 3]],
    ['status=enriched&sort=-createdAt', [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]],
    ['status=failed', []],
    ['band=MEDIUM&sort=score', [4, 5, 6]],
    ['scoreMin=85&sort=-score', [9, 8]],
    ['scoreMax=15&sort=score', [0, 1]],
    [`icpId=${icpId}&sort=createdAt`, [0, 1]],
    ['source=csv&sort=createdAt', [0, 2, 4, 6, 8]],
    ['country=NO&sort=createdAt', [0, 1, 2]],
    ['emailStatus=missing', [0]],
    ['emailStatus=risky&sort=createdAt', [1, 2, 3, 4]],
    ['q=p7%40LIST', [7]],
    ['q=company%203', [3]],
    ['q=100%25_4', [4]],
    ['q=100__4', []],
    [`createdFrom=${encodeURIComponent(new Date(at(480_000)).toISOString())}&sort=createdAt`, [8, 9]],
    [`createdTo=${encodeURIComponent(new Date(at(60_000)).toISOString())}`, [0]],
    [`updatedFrom=${encodeURIComponent(new Date(at(540_000)).toISOString())}`, [9]],
    [`updatedTo=${encodeURIComponent(new Date(at(0)).toISOString())}`, []],
  ])('[GW-09] filters by %s', async (query, expected) => {
    expect(await listed(query)).toEqual(expected);
  });

  it('[SC-11] sorts by score, the unscored ones last', async () => {
    expect(await listed('sort=-score')).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    const { items } = await list('sort=-score&limit=100');
    expect(items.at(-1)).toMatchObject({ id: sampleId('fresh'), score: null });
  });

  it.each(['createdAt', '-score'] as const)(
    'a page by %s ends where its bytes do; the next goes on there',
    async (sort) => {
      const { orgId } = sampleDiscovered();
      const page = (limit: number, bytes: number, cursor?: string) =>
        listLeads(
          doors.database,
          orgId,
          leadListQuery.parse({ sort, limit, ...(cursor === undefined ? {} : { cursor }) }),
          bytes,
        );
      const all = (await page(100, 1_000_000)).items.map(({ id }) => id);
      const seen: string[] = [];
      let cursor: string | null | undefined;
      for (let asked = 0; cursor !== null && asked < 100; asked += 1) {
        const { items, nextCursor }: Awaited<ReturnType<typeof page>> = await page(100, 1, cursor);
        expect(items.length).toBe(1);
        seen.push(...items.map(({ id }) => id));
        cursor = nextCursor;
      }
      expect(seen).toEqual(all);
    },
  );

  it.each(['createdAt', '-createdAt', 'score', '-score'])(
    '[GW-09] pages by %s show each lead once, also while new ones come',
    async (sort) => {
      const all = (await list(`sort=${sort}&limit=100`)).items.map(({ id }) => id);
      const seen: string[] = [];
      let cursor: string | null = '';
      for (let page = 0; cursor !== null; page += 1) {
        const answer: Awaited<ReturnType<typeof list>> = await list(
          `sort=${sort}&limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...answer.items.map(({ id }) => id));
        cursor = answer.nextCursor;
        const leadId = sampleId('meanwhile', sort, page);
        await doors.apply(
          {
            name: 'LeadDiscovered',
            data: sampleDiscovered({ leadId, discoveredAt: at(sort.startsWith('-') ? 7_200_000 : -7_200_000) }),
          },
          ...(sort === '-score' ? [{ name: 'LeadScored', data: sampleScored({ leadId, value: 100 }) } as const] : []),
        );
      }
      // With rising scores a newcomer without one may come after the place that the reader has reached.
      expect(seen.filter((id) => all.includes(id))).toEqual(all);
      expect(new Set(seen).size).toBe(seen.length);
    },
  );

  it('refuses a cursor that is not its own, and a filter it does not know', async () => {
    const { nextCursor } = await list('sort=score&limit=1');
    const answers = await Promise.all([
      doors.ask(`/v1/leads?sort=createdAt&cursor=${nextCursor ?? ''}`),
      doors.ask('/v1/leads?cursor=nonsense'),
      doors.ask('/v1/leads?colour=red'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
  });
});

describe('jobs', () => {
  it('[GW-13] [SM-03] the job of a lead goes running, completed or failed with its enrichment', async () => {
    const leadId = sampleId('job');
    const ask = () => doors.answerOf(leadJobRoutes.leadJob, `/internal/jobs/${derivedId('lead.enrich', leadId)}`);
    await doors.apply({ name: 'LeadDiscovered', data: sampleDiscovered({ leadId }) });
    expect(await ask()).toMatchObject({ status: 'running', leadId, type: 'lead.enrich', error: null });
    const failed = { ...sampleEnriched({ leadId }), reason: 'no-hit', failedAt: at(10) };
    await doors.apply({ name: 'LeadEnrichmentFailed', data: failed });
    expect(await ask()).toMatchObject({ status: 'failed', error: 'no-hit' });
    await doors.apply({ name: 'MessageSent', data: message(leadId, 1, at(20)) });
    expect(await ask()).toMatchObject({ status: 'failed' });
    await doors.apply({ name: 'LeadEnriched', data: sampleEnriched({ leadId }) });
    expect(await ask()).toMatchObject({ status: 'completed', error: null });
  });

  it('[GW-13] an upload is told the outcomes of its rows', async () => {
    const ask = (caller = {}) =>
      doors.answerOf(uploadProgressRoutes.uploadProgress, `/internal/jobs/${upload}/progress`, caller);
    expect(await ask()).toEqual({ done: 7, discovered: 5, updated: 0, duplicated: 1, rejected: 1 });
    expect(await ask(stranger)).toMatchObject({ done: 0 });
  });
});
