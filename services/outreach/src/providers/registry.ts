/** Which ways of sending this deployment has: "configure only what you have" (OU-13, OU-14). */
import type { BreakerState, ProviderHooks, ProviderOptions } from '@lead-flood/provider';
import { createMail } from './mail.ts';
import type { MailOptions } from './mail.ts';
import { createTrengo } from './trengo.ts';
import type { TrengoOptions } from './trengo.ts';
import type { Transport } from './transport.ts';

export type Channel = Transport['channel'];

export type TransportsConfig = {
  /** Mail needs both. */
  readonly smtpUrl?: string | undefined;
  readonly mailFrom?: string | undefined;
  readonly mailFromName?: string | undefined;
  readonly mail?: Pick<MailOptions, 'requireTls' | 'connectionsMax' | 'timeoutMs' | 'breaker'>;
  readonly trengoApiKey?: string | undefined;
  readonly trengoBaseUrl?: string | undefined;
  readonly trengoTemplateId?: number | undefined;
  readonly trengo?: Pick<TrengoOptions, 'priceMicros'> &
    Pick<
      ProviderOptions,
      'allowPrivate' | 'timeoutMs' | 'retries' | 'breaker' | 'quota' | 'concurrencyMax' | 'resolve'
    >;
};

export type Transports = {
  readonly byChannel: { readonly [C in Channel]: Transport | null };
  readonly notConfigured: readonly Channel[];
  readonly breakerStates: () => Readonly<Record<string, BreakerState>>;
  readonly stop: () => Promise<void>;
};

/** Throws when what is configured cannot be right (an address that is none). */
export function createTransports(config: TransportsConfig, hooks: ProviderHooks = {}): Transports {
  const byChannel: Transports['byChannel'] = { email: openMail(config, hooks), whatsapp: openTrengo(config, hooks) };
  const transports = Object.values(byChannel).filter((transport) => transport !== null);
  return {
    byChannel,
    notConfigured: (['email', 'whatsapp'] as const).filter((channel) => byChannel[channel] === null),
    breakerStates: () =>
      Object.fromEntries(transports.map((transport) => [transport.provider, transport.breakerState()])),
    async stop() {
      await Promise.all(transports.map((transport) => transport.stop()));
    },
  };
}

function openMail(
  { smtpUrl = '', mailFrom = '', mailFromName = '', mail }: TransportsConfig,
  hooks: ProviderHooks,
): Transport | null {
  if (smtpUrl.trim() === '' || mailFrom.trim() === '') return null;
  const from = { address: mailFrom.trim(), name: mailFromName === '' ? null : mailFromName };
  return createMail({ ...mail, ...hooks, smtpUrl: smtpUrl.trim(), from });
}

function openTrengo(
  { trengoApiKey = '', trengoBaseUrl, trengoTemplateId, trengo }: TransportsConfig,
  hooks: ProviderHooks,
): Transport | null {
  if (trengoApiKey.trim() === '') return null;
  return createTrengo({
    ...trengo,
    ...hooks,
    apiKey: trengoApiKey.trim(),
    ...(trengoBaseUrl === undefined ? {} : { baseUrl: trengoBaseUrl }),
    ...(trengoTemplateId === undefined ? {} : { templateId: trengoTemplateId }),
  });
}
