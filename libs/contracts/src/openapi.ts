/**
 * OpenAPI 3.1 out of the table of routes, so that the description cannot say anything else than what the doors check.
 * Every `/v1` path is described under its `/api/v1` alias as well (decision C-12).
 */
import { z } from 'zod';
import type { ApiErrorCode } from './rest/error.ts';
import { apiErrorStatus, errorBody } from './rest/error.ts';
import type { Route, Routes } from './rest/route.ts';

export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
};

export type OpenApiOperation = {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly unknown[];
  readonly responses: Readonly<Record<string, unknown>>;
} & Readonly<Record<string, unknown>>;

type Schema = Readonly<Record<string, unknown>>;

/** What any route may answer, whatever it does. */
const everywhere: readonly ApiErrorCode[] = ['rate_limited', 'internal_error', 'unavailable'];
const signedIn: readonly ApiErrorCode[] = ['unauthorized', 'forbidden'];
/** Paths are templates of Fastify's kind; OpenAPI writes `{name}`. */
const templateOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

export function openApi(routes: Routes, facts: { version: string; server: string }): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const [name, route] of Object.entries(routes)) {
    const path = templateOf(route.path);
    const method = route.method.toLowerCase();
    paths[path] = { ...paths[path], [method]: operation(name, route) };
    if (!path.startsWith('/v1/')) continue;
    const alias = `/api${path}`;
    paths[alias] = { ...paths[alias], [method]: operation(`${name}Alias`, route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Lead Flood', version: facts.version, description: 'Leads in, answered conversations out.' },
    servers: [{ url: facts.server }],
    paths,
    components: {
      schemas: { Error: schemaOf(errorBody, 'output') },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token, or an API key `lf_<prefix>_<secret>`.',
        },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'lf_access',
          description: 'Set by login; writes also need the header x-csrf-token.',
        },
      },
    },
  };
}

function operation(operationId: string, route: Route): OpenApiOperation {
  const open = route.permission === 'public';
  const codes = [...new Set([...route.errors, ...(open ? [] : signedIn), ...everywhere])];
  return {
    operationId,
    summary: route.summary,
    tags: [route.service],
    security: open ? [] : [{ bearer: [] }, { cookie: [] }],
    'x-permission': route.permission,
    'x-requirements': route.rows,
    parameters: [
      ...fields(route.params, 'path'),
      ...fields(route.query, 'query'),
      ...(route.method === 'POST' && !open ? [idempotencyKey] : []),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: json(schemaOf(route.body, 'input')),
          },
        }),
    ...(route.file === undefined ? {} : { requestBody: fileBody(route.file.description) }),
    responses: {
      [String(route.status)]: { description: route.summary, content: json(schemaOf(route.answer, 'output')) },
      ...errorResponses(codes),
    },
  };
}

const fileBody = (description: string): Schema => ({
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: ['file'],
        properties: { file: { type: 'string', format: 'binary', description } },
      },
    },
  },
});

const json = (schema: Schema): Schema => ({ 'application/json': { schema } });

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The first answer is kept for 24 hours and repeated for the same key and body.',
  schema: { type: 'string', pattern: '^[\\w.:-]{1,100}$' },
};

function errorResponses(codes: readonly ApiErrorCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(codes, (code) => String(apiErrorStatus[code]));
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      { description: named.join(', '), content: json({ $ref: '#/components/schemas/Error' }) },
    ]),
  );
}

function fields(shape: z.ZodObject | undefined, where: 'path' | 'query'): Schema[] {
  if (shape === undefined) return [];
  return Object.entries(shape.shape).map(([name, field]) => ({
    name,
    in: where,
    required: where === 'path' || !(field as z.ZodType).safeParse(undefined).success,
    schema: schemaOf(field as z.ZodType, 'input'),
  }));
}

function schemaOf(type: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io, unrepresentable: 'any' });
  return schema;
}
