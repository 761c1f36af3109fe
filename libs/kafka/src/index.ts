/** The port to Kafka and the schema registry; nobody else may import their clients. */
export * from './admin.ts';
export * from './client.ts';
export * from './codec.ts';
export * from './consumer.ts';
export * from './dead-letter.ts';
export * from './deploy.ts';
export * from './errors.ts';
export * from './producer.ts';
export * from './read-topic.ts';
export * from './record.ts';
export * from './registry.ts';
