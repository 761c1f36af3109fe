// The mail server of the outside world: takes every mail over SMTP (no login, no TLS), keeps the last ones for
// tests to read, and lets prospects answer by webhook. It never sends anything by SMTP.
import type { AddressInfo, Socket } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { AcceptLog } from './accept-log.ts';
import type { Deliveries } from './deliveries.ts';
import { answers, drawReply, writeReply } from './prospects.ts';
import type { ReceivedMail, Reply } from './prospects.ts';
import { createRandom, hash } from './seed.ts';
import type { DeliverTo, MailSettings } from './settings.ts';

const mailsMax = 10_000;
const mailBytesMax = 5_000_000;

class SmtpRefusal extends Error {
  readonly responseCode: number;
  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

export class MailSink {
  readonly #log: AcceptLog;
  readonly #deliveries: Deliveries;
  readonly #settings: () => MailSettings;
  readonly #seed: number;
  readonly #server: SMTPServer;
  readonly #sockets = new Map<number, Socket>();
  #mails = new Map<string, ReceivedMail>();
  #total = 0;
  #replies = 0;
  #draw: () => number;

  constructor(log: AcceptLog, deliveries: Deliveries, settings: () => MailSettings, seed: number) {
    this.#log = log;
    this.#deliveries = deliveries;
    this.#settings = settings;
    this.#seed = seed;
    this.#draw = createRandom(hash(`mail ${seed}`));
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      // a lookup of every caller's name costs milliseconds a connection
      disableReverseLookup: true,
      size: mailBytesMax,
      closeTimeout: 100,
      onData: (stream, session, callback) => {
        this.#receive(stream, session).then(
          () => callback(null),
          (error: unknown) => callback(asError(error)),
        );
      },
    });
    this.#server.server.on('connection', (socket: Socket) => {
      const port = socket.remotePort;
      if (port === undefined) return;
      this.#sockets.set(port, socket);
      socket.once('close', () => this.#sockets.delete(port));
    });
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = this.#server.listen(port, host, () => {
        server.off('error', reject);
        this.#server.off('error', reject);
        // a caller that breaks off (and `lost` itself) shows up here; it must not end the sandbox
        this.#server.on('error', (error) => process.emitWarning(`SMTP connection: ${error.message}`));
        resolve((server.address() as AddressInfo).port);
      });
      server.once('error', reject);
      this.#server.once('error', reject);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Newest first. */
  mails(to: string | undefined, limit: number): { total: number; mails: ReceivedMail[] } {
    const wanted = to?.toLowerCase();
    const found: ReceivedMail[] = [];
    for (const mail of [...this.#mails.values()].reverse()) {
      if (found.length >= limit) break;
      if (wanted === undefined || mail.to.includes(wanted)) found.push(mail);
    }
    return { total: this.#total, mails: found };
  }

  counts(): { kept: number; total: number; replies: number } {
    return { kept: this.#mails.size, total: this.#total, replies: this.#replies };
  }

  /** Makes the first recipient answer with this text, whatever the reply rate; undefined: no such mail. */
  reply(messageId: string, text: string, deliverTo: DeliverTo): { eventId: string } | undefined {
    const mail = this.#mails.get(messageId.replace(/^<|>$/g, ''));
    const recipient = mail?.to[0];
    if (mail === undefined || recipient === undefined) return undefined;
    const reply = writeReply(mail, recipient, text, false, `told ${this.#replies}`);
    this.#post(reply, 0, deliverTo);
    return { eventId: reply.eventId };
  }

  reset(): void {
    this.#mails = new Map();
    this.#total = 0;
    this.#replies = 0;
    this.#draw = createRandom(hash(`mail ${this.#seed}`));
  }

  async #receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const { mode, errorRate } = this.#settings();
    if (stream.sizeExceeded) throw this.#refuse(552, 'Message too big');
    if (mode === 'down') throw this.#refuse(421, 'Service not available');
    if (errorRate > 0 && this.#draw() < errorRate) throw this.#refuse(451, 'Try again later');
    const mail = await read(Buffer.concat(chunks), session, this.#total);
    this.#keep(mail);
    for (const subject of mail.to) {
      const outcome = mode === 'lost' ? 'lost' : 'sent';
      this.#log.accept({
        provider: 'mail',
        operation: 'send',
        subject,
        idempotencyKey: mail.messageId,
        outcome,
        price: 0,
      });
    }
    this.#letProspectsAnswer(mail);
    if (mode === 'lost') {
      this.#sockets.get(session.remotePort)?.destroy();
      throw new SmtpRefusal(421, 'Connection lost');
    }
  }

  #refuse(code: number, words: string): SmtpRefusal {
    this.#log.refuse('mail', `refused-${code}`);
    return new SmtpRefusal(code, words);
  }

  #keep(mail: ReceivedMail): void {
    this.#total += 1;
    // a second copy replaces the first one, and counts
    this.#mails.delete(mail.messageId);
    this.#mails.set(mail.messageId, mail);
    const oldest = this.#mails.size > mailsMax ? this.#mails.keys().next().value : undefined;
    if (oldest !== undefined) this.#mails.delete(oldest);
  }

  #letProspectsAnswer(mail: ReceivedMail): void {
    const { replyRate, delayMs, deliverTo } = this.#settings();
    if (deliverTo === null) return;
    for (const recipient of mail.to) {
      if (answers(recipient, replyRate, this.#seed))
        this.#post(drawReply(mail, recipient, this.#seed), delayMs, deliverTo);
    }
  }

  #post({ eventId, raw }: Reply, delayMs: number, deliverTo: DeliverTo): void {
    this.#replies += 1;
    const body = { eventId, receivedAt: new Date(Date.now() + delayMs).toISOString(), raw };
    void this.#deliveries.send(delayMs, [{ deliverTo, prefix: 'x-mail', eventId, body }]);
  }
}

async function read(bytes: Buffer, session: SMTPServerSession, count: number): Promise<ReceivedMail> {
  const parsed = await PostalMime.parse(bytes);
  const { mailFrom, rcptTo } = session.envelope;
  const replyTo = parsed.replyTo?.[0]?.address;
  return {
    messageId: (parsed.messageId ?? `no-id-${count}@sandbox.example`).replace(/^<|>$/g, ''),
    from: parsed.from?.address ?? (mailFrom === false ? '' : mailFrom.address),
    replyTo: replyTo ?? null,
    to: rcptTo.map(({ address }) => address.toLowerCase()),
    subject: parsed.subject ?? '',
    text: parsed.text ?? '',
    references: parsed.references ?? null,
    headers: parsed.headers.map(({ key, value }) => ({ key, value })),
    receivedAt: new Date().toISOString(),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
