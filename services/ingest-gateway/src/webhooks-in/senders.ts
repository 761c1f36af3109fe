/** Everybody who may post to us. */
import { mail } from './mail.ts';
import type { Sender } from './sender.ts';
import { yay } from './yay.ts';

export const senders: readonly Sender[] = [yay, mail];
