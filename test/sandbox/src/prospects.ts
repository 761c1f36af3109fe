// How the people at the other end answer mail: who answers and in which mood is drawn from the address, and the
// answer is a real RFC 5322 message. Sending it is the business of mail.ts.
import { createHash } from 'node:crypto';
import { fraction, pick } from './seed.ts';

export interface ReceivedMail {
  /** without angle brackets */
  readonly messageId: string;
  readonly from: string;
  readonly replyTo: string | null;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly references: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  readonly receivedAt: string;
}

type Mood = 'interested' | 'not-now' | 'unsubscribe' | 'out-of-office';

const sentences: Record<Mood, readonly string[]> = {
  interested: [
    'Thanks for writing. This sounds useful for us, can you call me on Thursday afternoon?',
    'Good timing, we are looking at exactly this. Please send me some dates for a call.',
    'Interesting. What would it cost for a team of our size?',
  ],
  'not-now': [
    'Thank you, but this is not a priority for us this quarter. Please try again in spring.',
    'We have just signed with someone else, so not now.',
    'No need at the moment, I will come back to you if that changes.',
  ],
  unsubscribe: [
    'Please unsubscribe me and do not write to me again.',
    'Take me off your list, thank you.',
    'Stop. I do not want to get any further mail from you.',
  ],
  'out-of-office': [
    'I am out of the office until Monday and will read your message when I am back.',
    'I am on parental leave. In urgent cases please turn to my colleagues.',
  ],
};

export interface Reply {
  readonly eventId: string;
  readonly raw: string;
}

/** Whether this recipient answers mail: the same for the same seed, whatever is sent. */
export function answers(recipient: string, replyRate: number, seed: number): boolean {
  return fraction(`${seed} answers ${recipient.toLowerCase()}`) < replyRate;
}

/** 35 % interested, 35 % not now, 15 % unsubscribe, 15 % out of office. */
function moodOf(recipient: string, seed: number): Mood {
  const position = fraction(`${seed} mood ${recipient.toLowerCase()}`);
  if (position < 0.35) return 'interested';
  if (position < 0.7) return 'not-now';
  return position < 0.85 ? 'unsubscribe' : 'out-of-office';
}

/** What the recipient answers of its own accord. The same mail gives the same event id: a repeat can be recognised. */
export function drawReply(mail: ReceivedMail, recipient: string, seed: number): Reply {
  const mood = moodOf(recipient, seed);
  const text = pick(sentences[mood], fraction(`${seed} words ${recipient.toLowerCase()}`));
  return writeReply(mail, recipient, text, mood === 'out-of-office', '');
}

/** A reply with a given text; `salt` tells several replies to one mail apart. */
export function writeReply(
  mail: ReceivedMail,
  recipient: string,
  text: string,
  automatic: boolean,
  salt: string,
): Reply {
  const eventId = createHash('sha256').update(`${mail.messageId} ${recipient} ${salt}`).digest('hex').slice(0, 32);
  const bare = mail.subject.replace(/^(re:\s*)+/i, '').replace(/[\r\n]+/g, ' ');
  const references = [mail.references, `<${mail.messageId}>`].filter((part) => part !== null && part !== '').join(' ');
  const lines = [
    `From: ${recipient}`,
    `To: ${mail.replyTo ?? mail.from}`,
    `Subject: ${encodeWords(`${automatic ? 'Automatic reply' : 'Re'}: ${bare}`)}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${eventId}@${recipient.split('@')[1] ?? 'unknown.example'}>`,
    `In-Reply-To: <${mail.messageId}>`,
    // one id a line: a long thread must not make a line of more than 998 characters
    `References: ${references.split(/\s+/).join('\r\n ')}`,
    ...(automatic ? ['Auto-Submitted: auto-replied'] : []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    wrap(Buffer.from(automatic ? text : `${text}\r\n\r\n${quote(mail)}`).toString('base64')),
    '',
  ];
  return { eventId, raw: lines.join('\r\n') };
}

/** Quoted as mail programs do: whoever reads replies must not take our own words for the prospect's. */
function quote(mail: ReceivedMail): string {
  const quoted = mail.text
    .trimEnd()
    .split(/\r?\n/)
    .slice(0, 30)
    .map((line) => `> ${line}`);
  return [`On ${mail.receivedAt.slice(0, 10)}, ${mail.from} wrote:`, ...quoted].join('\r\n');
}

function wrap(base64: string): string {
  return (base64.match(/.{1,76}/g) ?? []).join('\r\n');
}

/** RFC 2047 for what is not ASCII; words of at most 45 bytes, cut between characters. */
function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 45) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((part) => `=?utf-8?B?${Buffer.from(part).toString('base64')}?=`).join('\r\n ');
}
