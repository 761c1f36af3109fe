/** Closed table of what can go wrong at the broker and with bytes; README.md of this folder lists the same codes. */
export const kafkaErrors = {
  KFK_ERR_COMPRESSION: 'a batch of records cannot be unpacked, or is too large when it is',
  KFK_ERR_EMPTY: 'the record has no value',
  KFK_ERR_NO_MAGIC_BYTE: 'the value does not begin with the magic byte 0 and a schema id',
  KFK_ERR_UNKNOWN_SCHEMA: 'the registry does not know the schema id',
  KFK_ERR_UNEXPECTED_EVENT: 'the schema is known, but its event does not belong on this topic',
  KFK_ERR_INCOMPATIBLE_SCHEMA: 'our schema cannot read what the writer’s schema wrote',
  KFK_ERR_TRUNCATED: 'the value ends before its last field',
  KFK_ERR_TRAILING_BYTES: 'bytes follow the last field',
  KFK_ERR_CORRUPT: 'the bytes cannot be read by the writer’s schema',
  KFK_ERR_BAD_HEADER: 'a header has a value that it cannot have',
  KFK_ERR_REGISTRY_UNAVAILABLE: 'the schema registry did not answer',
  KFK_ERR_SCHEMA_NOT_REGISTERED:
    'the registry does not hold our schema: run the deploy step `npm run schemas -- register`',
  KFK_ERR_BROKER_UNAVAILABLE: 'the broker did not take the records',
  KFK_ERR_TOO_LARGE: 'the record is larger than the broker accepts',
} as const;

export type KafkaErrorCode = keyof typeof kafkaErrors;
