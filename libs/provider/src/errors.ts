/** Closed table of what can go wrong on the way to a provider; README.md of this folder lists the same codes. */
export const providerErrors = {
  PRV_ERR_BAD_REQUEST: 'the request cannot be sent as it stands: URL, port or a header',
  PRV_ERR_FORBIDDEN_ADDRESS: 'the host resolves to an address inside our own networks',
  PRV_ERR_UNREACHABLE: 'no connection: name, route, refusal or TLS; nothing was sent',
  PRV_ERR_TIMEOUT: 'no complete answer in time',
  PRV_ERR_RESET: 'the connection broke after the request had been written',
  PRV_ERR_TOO_LARGE: 'the answer is larger than allowed and was cut',
  PRV_ERR_FAILED: 'the provider answered that it failed (5xx, 408, 425)',
  PRV_ERR_RATE_LIMITED: 'the provider asked us to slow down',
  PRV_ERR_GARBAGE: 'the answer is not JSON',
  PRV_ERR_SHAPE: 'the answer is JSON of another shape than agreed',
  PRV_ERR_NOT_READY: 'the provider took the question and asks us to come back for the answer',
  PRV_ERR_BREAKER_OPEN: 'the provider failed too often just now; nothing was sent',
  PRV_ERR_QUOTA: 'our own quota for this provider is used up for now; nothing was sent',
  PRV_ERR_ABORTED: 'the caller gave up',
  PRV_ERR_REJECTED: 'the provider does not understand our request: our fault, or its interface has changed',
  PRV_ERR_ACCESS_REFUSED: 'the provider refuses our key, plan or balance: a human should look',
} as const;

export type ProviderErrorCode = keyof typeof providerErrors;
