/** Closed table of the processor's own failures; a service's codes stand in its own table. */
export const processorErrors = {
  PRC_ERR_HANDLER_FAULT: 'the handler threw: a bug, not a refusal',
  PRC_ERR_UNSTORABLE: 'the database refuses what this message would store',
  PRC_ERR_NO_PROGRESS: 'whenever this message is tried, its transaction ends in a conflict',
  PRC_ERR_BAD_TEXT:
    'a text that not every reader would see alike: NUL, half a character, an id of ours spelt otherwise, or too long',
  PRC_ERR_FOREIGN_ORG: 'the event’s header and data name different organisations',
  PRC_ERR_PLATFORM_ORG: 'the event names the platform’s own organisation and is not of the platform',
  PRC_ERR_DEADLINE: 'the outside call did not end in time',
  PRC_ERR_STEP_IN_DOUBT: 'another process may still be making this call',
  PRC_ERR_EXHAUSTED: 'every try failed',
  PRC_ERR_FLOOD: 'most of a batch would be dead-lettered for one reason: a human should look',
} as const;

export type ProcessorErrorCode = keyof typeof processorErrors;
