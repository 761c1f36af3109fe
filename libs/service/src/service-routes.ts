/** Routes of a service behind the gateway. */
import type { Handlers, Routes } from '@lead-flood/contracts';
import type { SharedConfig } from './config.ts';
import type { HttpServer } from './http.ts';
import { addRoutes } from './http.ts';
import { createPrincipalVerifier, principalHeader } from './principal.ts';

/** Doors behind the gateway: the caller is who the gateway's signature says. */
export function addServiceRoutes<T extends Routes>(
  server: HttpServer,
  routes: T,
  handlers: Handlers<T>,
  config: SharedConfig,
): void {
  const verify = createPrincipalVerifier(config.PRINCIPAL_SECRET);
  addRoutes(server, routes, handlers, (request) => {
    const header = request.headers[principalHeader];
    return verify(typeof header === 'string' ? header : undefined);
  });
}
