/**
 * Mail by SMTP over kept connections: a new one costs a greeting, TLS and a login (100 ms and more). Every field that
 * becomes a header or a command is cleaned or checked here, and recipients go in as objects: nodemailer re-parses a
 * string, and a line break in it once sent the mail elsewhere.
 */
import type { Readable } from 'node:stream';
import { TransientError, toError } from '@lead-flood/kernel';
import { breakerDefaults, createBreaker } from '@lead-flood/provider';
import type { BreakerOptions, Outcome, ProviderHooks } from '@lead-flood/provider';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { isMessageId, refuse } from './transport.ts';
import type { OutgoingMessage, RefusalCode, SendContext, SendResult, Transport } from './transport.ts';

export type MailOptions = ProviderHooks & {
  /** `smtp://host:port` or `smtps://user:password@host`. */
  readonly smtpUrl: string;
  readonly from: { readonly address: string; readonly name: string | null };
  /** Refuse to send without TLS. Default false: it is used where the server offers it. */
  readonly requireTls?: boolean;
  /** Mails under way at once. Default 8. */
  readonly connectionsMax?: number;
  /** For one mail, waiting for a connection included. Default 15,000. */
  readonly timeoutMs?: number;
  readonly breaker?: Partial<BreakerOptions>;
};

/** What RFC 5322 lets a line have; more is cut. */
const LINE_LENGTH_MAX = 998;

/**
 * One line of plain words, whatever a person, a file or a stranger's subject has in it: a name with a control character
 * must not keep its mail from going out. Besides line breaks, all of Unicode's control characters become blanks, and what
 * a mail program would decode (`=?utf-8?..?=`) no longer begins like it.
 */
const cleanLine = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\s\u2028\u2029]+/gu, ' ')
    .replaceAll('=?', '= ?')
    .trim()
    .slice(0, LINE_LENGTH_MAX)
    // The cut may have halved a character.
    .toWellFormed();
const oneLine = z.string().transform(cleanLine);
const address = z.email().max(254);
const messageId = z.string().refine(isMessageId, 'not a Message-ID');

const headersSchema = z.object({
  name: oneLine.nullable(),
  subject: oneLine.nullable(),
  replyTo: address.nullable(),
  inReplyTo: messageId.nullable(),
  messageId,
});

export function createMail(options: MailOptions): Transport {
  const { timeoutMs = 15_000 } = options;
  const from = z.object({ address, name: oneLine.nullable() }).parse(options.from);
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  const pool = createPool(options, timeoutMs);
  const deliver = createDelivery(pool, from, timeoutMs, options.onAttempt);
  const breaker = createBreaker('smtp', {
    options: { ...breakerDefaults, ...options.breaker },
    // a temporary no to one recipient (greylisting) says nothing of the server
    isFault: (error) =>
      error instanceof TransientError && error.details['recipient'] !== true && error.code !== 'PRV_ERR_ABORTED',
    onState: (state) => options.onBreaker?.('smtp', state),
    now: Date.now,
  });

  async function send(message: OutgoingMessage, { signal }: SendContext): Promise<SendResult> {
    const { to, subject, replyTo, inReplyTo } = message;
    if (to.email === null) return refuse('no-address', 'no e-mail address');
    const recipient = address.safeParse(to.email);
    if (!recipient.success) return refuse('bad-address', 'not an e-mail address');
    const id = message.messageId.includes('@')
      ? message.messageId.replace(/^<|>$/g, '')
      : `${message.messageId}@${domain}`;
    const headers = headersSchema.safeParse({ name: to.name, subject, replyTo, inReplyTo, messageId: id });
    if (!headers.success)
      return refuse(
        'bad-header',
        headers.error.issues.map(({ path, message: why }) => `${path.join('.')}: ${why}`).join('; '),
      );
    return breaker.run(() => deliver(recipient.data, headers.data, message.body, signal));
  }

  const stop = async (): Promise<void> => {
    breaker.stop();
    pool.close();
  };
  return { channel: 'email', provider: 'smtp', send, breakerState: breaker.state, stop };
}

type Deliver = (
  to: string,
  headers: z.infer<typeof headersSchema>,
  body: string,
  signal: AbortSignal,
) => Promise<SendResult>;

/** One mail over the pool, timed and reported. */
function createDelivery(
  pool: ReturnType<typeof createPool>,
  from: { address: string; name: string | null },
  timeoutMs: number,
  onAttempt: MailOptions['onAttempt'],
): Deliver {
  return async (to: string, headers: z.infer<typeof headersSchema>, body: string, signal: AbortSignal) => {
    const startedAt = performance.now();
    const report = (outcome: Outcome, status: number | null): void =>
      onAttempt?.({
        provider: 'smtp',
        operation: 'send',
        outcome,
        status,
        latencyMs: Math.round(performance.now() - startedAt),
        costMicros: 0,
      });
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), timeoutMs);
    const ended = AbortSignal.any([signal, timer.signal]);
    const written: Written = { streams: [] };
    underWay.set(ended, written);
    try {
      await pool.sendMail({
        from: { address: from.address, name: from.name ?? '' },
        to: { address: to, name: headers.name ?? '' },
        envelope: { from: from.address, to: [to] },
        messageId: `<${headers.messageId}>`,
        subject: headers.subject ?? '',
        text: body,
        ...(headers.replyTo === null ? {} : { replyTo: { address: headers.replyTo, name: '' } }),
        ...(headers.inReplyTo === null ? {} : { inReplyTo: headers.inReplyTo, references: [headers.inReplyTo] }),
        signal: ended,
      });
      report('ok', 250);
      return { kind: 'accepted', providerMessageId: headers.messageId };
    } catch (thrown) {
      const failure = readFailure(toError(thrown), written, signal.aborted, timer.signal.aborted);
      report(failure.outcome, failure.status);
      if (failure.error !== null) throw failure.error;
      return refuse(failure.code, failure.detail);
    } finally {
      clearTimeout(timeout);
    }
  };
}

type Written = { readonly streams: Readable[] };

/** From a mail's signal, the one thing of ours that reaches the plugin below as it is and is new with every try. */
const underWay = new WeakMap<AbortSignal, Written>();

const isWritten = ({ streams }: Written): boolean => streams.some((stream) => stream.readableDidRead);

function createPool({ smtpUrl, requireTls = false, connectionsMax = 8 }: MailOptions, timeoutMs: number) {
  const url = new URL(smtpUrl);
  const secure = url.protocol === 'smtps:';
  const auth =
    url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } };
  const pool = createTransport({
    pool: true,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: requireTls,
    ...auth,
    maxConnections: connectionsMax,
    // nodemailer closes a connection after 100 mails, which is a new greeting for nothing
    maxMessages: Number.MAX_SAFE_INTEGER,
    // no silent second try: whether a lost mail may go out again is for the journal to say
    maxRequeues: 0,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: timeoutMs,
    // a body or header that came from a template must never be read as a path or an address
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  // The body is read only after the server has said 354. Its first byte is the point of no return: before it a broken
  // connection is harmless, after it the mail may have been taken.
  pool.use('stream', (mail, done) => {
    const { message } = mail;
    const written = mail.data.signal === undefined ? undefined : underWay.get(mail.data.signal);
    if (message !== null && message !== undefined && written !== undefined) {
      const create = message.createReadStream.bind(message);
      message.createReadStream = (streamOptions) => {
        const stream = create(streamOptions);
        written.streams.push(stream);
        return stream;
      };
    }
    done();
  });
  return pool;
}

type Failure = { readonly outcome: Outcome; readonly status: number | null } & (
  | { readonly error: TransientError; readonly code?: never; readonly detail?: never }
  | { readonly error: null; readonly code: RefusalCode; readonly detail: string }
);

/** 5xx to this mail is an answer; 4xx and a broken connection pass; no answer after the body began is in doubt. */
function readFailure(error: Error, written: Written, isAborted: boolean, isTimeout: boolean): Failure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const status = 'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : null;
  const command = 'command' in error && typeof error.command === 'string' ? error.command : '';
  const refused = (refusal: RefusalCode): Failure => ({
    outcome: 'refused',
    status,
    error: null,
    code: refusal,
    detail: error.message,
  });
  const isAboutMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  // 503 is "bad sequence of commands": about the session, not about the mail
  const isFinal = status !== null && status >= 500 && status !== 503;
  if (isFinal && code === 'EAUTH') return refused('not-authorised');
  if (isFinal && isAboutMail) return refused(command.startsWith('RCPT') ? 'bad-address' : 'rejected');
  if (isAboutMail && status === null && command === 'API') return refused('bad-address');

  const ambiguous = status === null && isWritten(written);
  const details = { smtpCode: code, status, recipient: isAboutMail && status !== 421 && command.startsWith('RCPT') };
  const transient = (errorCode: ConstructorParameters<typeof TransientError>[0], outcome: Outcome): Failure => ({
    outcome,
    status,
    error: new TransientError(errorCode, `the mail server or the way to it failed (${error.name})`, {
      details,
      cause: error,
      ambiguous,
    }),
  });
  if (isAborted) return transient('PRV_ERR_ABORTED', 'aborted');
  if (isTimeout || (code === 'ETIMEDOUT' && ambiguous)) return transient('PRV_ERR_TIMEOUT', 'timeout');
  if (status !== null) return transient('PRV_ERR_FAILED', 'failed');
  return ambiguous ? transient('PRV_ERR_RESET', 'reset') : transient('PRV_ERR_UNREACHABLE', 'unreachable');
}
