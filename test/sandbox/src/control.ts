// The back door of the sandbox for tests, demos and checkers: settings, the mail box, the accept log and its counts,
// calls to play, reset. Everything under /_control, and /health.
import { z } from 'zod';
import type { AcceptLog } from './accept-log.ts';
import type { Deliveries } from './deliveries.ts';
import type { Door } from './door.ts';
import type { MailSink } from './mail.ts';
import { change, deliverTo, initialSettings, mailPatch, providerNames, providerPatch } from './settings.ts';
import type { ProviderName, Settings, StartSettings } from './settings.ts';
import { callOrder, playCall } from './telephony.ts';

export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Sent as it is, one JSON document a line. */
export class Ndjson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export interface Parts {
  readonly log: AcceptLog;
  readonly deliveries: Deliveries;
  readonly door: Door;
  readonly mail: MailSink;
  readonly start: StartSettings;
  settings: Settings;
}

const replyOrder = z.strictObject({ text: z.string().min(1).max(20_000), deliverTo: deliverTo.optional() });
const wholeNumber = (fallback: number, max: number) => z.coerce.number().int().min(0).max(max).default(fallback);
const mailsQuery = z.strictObject({ to: z.string().optional(), limit: wholeNumber(100, 10_000) });
const logQuery = z.strictObject({ after: wholeNumber(0, Number.MAX_SAFE_INTEGER), limit: wholeNumber(1_000, 200_000) });

const ok = (body: unknown): ControlAnswer => ({ status: 200, body });
const notFound: ControlAnswer = { status: 404, body: { error: 'not_found' } };

/** Undefined when the path belongs to nobody here; throws a ZodError on a bad body or query. */
export function control(
  parts: Parts,
  method: string,
  path: string,
  query: URLSearchParams,
  body: unknown,
): ControlAnswer | undefined {
  const handler = routes[`${method} ${path}`];
  if (handler !== undefined) return handler(parts, query, body);
  const provider = /^\/_control\/providers\/([^/]+)$/.exec(path)?.[1];
  if (method === 'PUT' && provider !== undefined) return setProvider(parts, provider, body);
  const messageId = /^\/_control\/mails\/([^/]+)\/reply$/.exec(path)?.[1];
  if (method === 'POST' && messageId !== undefined) return replyTo(parts, decodeURIComponent(messageId), body);
  return undefined;
}

const routes: Readonly<Record<string, (parts: Parts, query: URLSearchParams, body: unknown) => ControlAnswer>> = {
  'GET /health': () => ok({ status: 'ok' }),
  'GET /_control/providers': ({ settings }) => ok(settings.providers),
  'GET /_control/mail': ({ settings }) => ok(settings.mail),
  'PUT /_control/mail': (parts, _query, body) => {
    const mail = change(parts.settings.mail, mailPatch.parse(body));
    parts.settings = { ...parts.settings, mail };
    return ok(mail);
  },
  'GET /_control/mails': ({ mail }, query) => {
    const { to, limit } = mailsQuery.parse(Object.fromEntries(query));
    return ok(mail.mails(to, limit));
  },
  'POST /_control/calls': ({ log, deliveries }, _query, body) => ({
    status: 202,
    body: playCall(callOrder.parse(body), log, deliveries),
  }),
  'GET /_control/log': ({ log }, query) => {
    const { after, limit } = logQuery.parse(Object.fromEntries(query));
    return ok(new Ndjson(log.lines(after, limit)));
  },
  'GET /_control/summary': ({ log, mail, deliveries }) =>
    ok({ ...log.summary(), mails: mail.counts(), deliveries: deliveries.counts() }),
  'GET /_control/doubles': ({ log }) => ok({ doubles: log.doubles() }),
  'POST /_control/reset': (parts) => {
    parts.settings = initialSettings(parts.start);
    parts.deliveries.reset();
    parts.mail.reset();
    parts.door.reset();
    parts.log.reset();
    return ok({ status: 'reset' });
  },
};

function setProvider(parts: Parts, name: string, body: unknown): ControlAnswer {
  const provider = providerNames.find((candidate): candidate is ProviderName => candidate === name);
  if (provider === undefined) return notFound;
  const settings = change(parts.settings.providers[provider], providerPatch.parse(body));
  parts.settings = { ...parts.settings, providers: { ...parts.settings.providers, [provider]: settings } };
  return ok(settings);
}

function replyTo(parts: Parts, messageId: string, body: unknown): ControlAnswer {
  const order = replyOrder.parse(body);
  const target = order.deliverTo ?? parts.settings.mail.deliverTo;
  if (target === null)
    return { status: 409, body: { error: 'no_deliver_to', message: 'PUT /_control/mail { deliverTo } first' } };
  const reply = parts.mail.reply(messageId, order.text, target);
  return reply === undefined ? notFound : { status: 202, body: reply };
}
