import { mkdtempSync } from 'node:fs';
import { fork } from 'node:child_process';
import { Agent, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
const role = process.argv[2];
if (role === 'upstream') {
  createServer((q, r) => { q.resume(); q.on('end', () => r.writeHead(201, { 'content-type': 'application/json; charset=utf-8' }).end('{"leadId":"6f1f0b39-93c5-4c8f-9a0b-0d0a3ce6a111","jobId":"6f1f0b39-93c5-4c8f-9a0b-0d0a3ce6a111"}')); }).listen(5999, '127.0.0.1');
} else if (role === 'gateway') {
  const { runService } = await import('@lead-flood/service');
  const { service } = await import('./src/topology.ts');
  await runService(service);
  let last = process.cpuUsage();
  process.on('message', () => { const u = process.cpuUsage(last); last = process.cpuUsage(); process.send?.({ cpuMs: (u.user + u.system) / 1000, rss: process.memoryUsage.rss() / 1e6 }); });
  process.send?.('ready');
} else {
  const { startStack } = await import('@lead-flood/local');
  const { registerSchemas, createTopics, createKafkaClient } = await import('@lead-flood/kafka');
  const { topics } = await import('@lead-flood/contracts');
  const { createDatabase } = await import('@lead-flood/postgres');
  const { seed } = await import('./src/seed.ts');
  const stack = await startStack({ directory: mkdtempSync(join(tmpdir(), 'bench-')), log: () => {} });
  const { kafka, registry, postgres, redis } = stack.addresses;
  await registerSchemas(registry);
  await createTopics(createKafkaClient({ brokers: [kafka], clientId: 'b', log: () => undefined }), Object.values(topics), '');
  const up = fork(import.meta.filename, ['upstream']);
  const gw = fork(import.meta.filename, ['gateway'], { execArgv: ['--cpu-prof', '--cpu-prof-dir=/tmp/igwprof'], env: { ...process.env, KAFKA_BROKERS: kafka, SCHEMA_REGISTRY_URL: registry, DATABASE_URL: postgres, REDIS_URL: redis, API_PORT: '5998', PRINCIPAL_SECRET: 'x'.repeat(40), JWT_ACCESS_SECRET: 'y'.repeat(40), AUTH_DEV_TOKEN_MINT: 'true', IP_LIMIT: '100000000', RATE_LIMIT_RPM: '100000000', PLAN_LIMIT_ENTERPRISE: '100000000', DISCOVERY_URL: 'http://127.0.0.1:5999', LOG_LEVEL: 'warn' } });
  await new Promise((r) => gw.once('message', r));
  const db = await createDatabase({ url: postgres, schema: 'ingest_gateway', applicationName: 'b', connectionsMax: 3 });
  const { apiKey } = await seed(db);
  const token = (await (await fetch('http://127.0.0.1:5998/v1/auth/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ userId: 'b', role: 'admin' }) })).json() as { accessToken: string }).accessToken;
  const agent = new Agent({ keepAlive: true });
  const body = JSON.stringify({ email: 'zoe.lindqvist@aurora.se.example', firstName: 'Zoë', lastName: 'Lindqvist', company: 'Aurora AB', domain: 'aurora.se.example', countryIso: 'SE', title: 'Head of Procurement', source: 'bench', customFields: { a: 'b'.repeat(100) } });
  const one = (auth: string, extra: Record<string, string> = {}) => new Promise<number>((res, rej) => { const q = request({ agent, host: '127.0.0.1', port: 5998, method: 'POST', path: '/v1/leads', headers: { authorization: `Bearer ${auth}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...extra } }, (r) => { r.resume(); r.on('end', () => res(r.statusCode ?? 0)); }); q.on('error', rej); q.end(body); });
  const run = async (name: string, n: number, inflight: number, rate: number, auth: string, extra?: () => Record<string, string>) => {
    gw.send('x'); await new Promise((r) => gw.once('message', r));
    const lat: number[] = []; let sent = 0; const statuses = new Map<number, number>(); const t0 = performance.now();
    const fire = async () => { const t = performance.now(); const s = await one(auth, extra?.()); lat.push(performance.now() - t); statuses.set(s, (statuses.get(s) ?? 0) + 1); };
    if (rate === 0) await Promise.all(Array.from({ length: inflight }, async () => { while (sent < n) { sent++; await fire(); } }));
    else { const ps: Promise<void>[] = []; while (sent < n) { const due = Math.min(n, Math.floor((performance.now() - t0) * rate / 1000)); while (sent < due) { sent++; ps.push(fire()); } await new Promise((r) => setTimeout(r, 2)); } await Promise.all(ps); }
    const s = (performance.now() - t0) / 1000; lat.sort((a, b) => a - b);
    gw.send('x'); const m = await new Promise<{ cpuMs: number; rss: number }>((r) => gw.once('message', r));
    console.log(name, `${(n / s).toFixed(0)}/s`, `p50 ${lat[n >> 1]?.toFixed(1)} p99 ${lat[Math.floor(n * .99)]?.toFixed(1)} ms`, `gateway cpu ${(m.cpuMs / n * 1000).toFixed(0)} us/request = ${(m.cpuMs / s / 10).toFixed(0)} % of a core`, `rss ${m.rss.toFixed(0)}`, JSON.stringify([...statuses]));
  };
  await run('warm', 10000, 32, 0, token);
  await run('closed loop, jwt', 30000, 32, 0, token);
  await run('closed loop, api key', 30000, 32, 0, apiKey);
  await run('1500/s, jwt', 15000, 0, 1500, token);
  let k = 0; const tag = Date.now();
  await run('idempotency-key', 10000, 32, 0, token, () => ({ 'idempotency-key': `k${tag}-${k++}` }));
  gw.kill(); up.kill(); await db.end(); await stack.stop(); process.exit(0);
}
