-- Up Migration
-- Who may come in (organisations, users, sessions, API keys), what they sent (uploads, webhooks), and their first answers.

create table organizations (
  id uuid primary key,
  name text not null,
  plan text not null check (plan in ('free', 'starter', 'pro', 'enterprise')),
  created_at timestamptz not null default now()
);

create table users (
  id uuid primary key,
  org_id uuid not null references organizations (id),
  -- Lower case; one person signs in to one organisation.
  email text not null unique,
  role text not null check (role in ('admin', 'ops', 'member', 'viewer', 'caller')),
  password_hash text not null,
  disabled_at timestamptz,
  created_at timestamptz not null default now()
);

-- By digest of the address and not by user, so that a stranger's guess at an unknown address locks just the same.
create table login_failures (
  email_hash text primary key,
  failures int not null,
  locked_until timestamptz,
  updated_at timestamptz not null default now()
);
create index login_failures_updated_at on login_failures (updated_at);

-- A session is a family of refresh tokens of which one is live.
create table sessions (
  id uuid primary key,
  org_id uuid not null references organizations (id),
  user_id uuid not null references users (id),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_reason text check (revoked_reason in ('logout', 'reuse'))
);
create index sessions_expires_at on sessions (expires_at);

create table refresh_tokens (
  token_hash text primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  issued_at timestamptz not null default now(),
  used_at timestamptz
);
create index refresh_tokens_session_id on refresh_tokens (session_id);

create table api_keys (
  id uuid primary key,
  org_id uuid not null references organizations (id),
  -- The key acts for this user and never with more than the user's role.
  user_id uuid not null references users (id),
  name text not null,
  prefix text not null unique,
  secret_hash text not null,
  scopes text[] not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);

create table idempotency_keys (
  org_id uuid not null,
  route text not null,
  key text not null,
  -- SHA-256 of the body; empty while an upload is still being read.
  request_hash text not null,
  state text not null check (state in ('in_progress', 'done')),
  -- Changes with every claim, so that a claim that was taken over cannot store its answer.
  claim_id uuid not null,
  claimed_at timestamptz not null default now(),
  status int,
  answer text,
  primary key (org_id, route, key)
);
create index idempotency_keys_claimed_at on idempotency_keys (claimed_at);

create table uploads (
  id uuid primary key,
  org_id uuid not null,
  user_id text not null,
  kind text not null check (kind in ('csv', 'json')),
  state text not null check (state in ('receiving', 'received', 'failed')),
  rows_total int not null,
  accepted int not null default 0,
  refused int not null default 0,
  error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index uploads_created_at on uploads (created_at);

-- Refused rows only; no value of a row is kept.
create table upload_rows (
  upload_id uuid not null references uploads (id) on delete cascade,
  row_number int not null,
  field text,
  code text not null,
  message text not null,
  primary key (upload_id, row_number)
);

create table processed_webhook_events (
  provider text not null,
  event_id text not null,
  org_id uuid,
  outcome text not null check (outcome in ('accepted', 'ignored', 'unmatched')),
  -- The event id is not part of what Yay signs: the same signed bytes under another id are the same event.
  body_hash text not null,
  -- The bytes as they came; dropped after the retention of raw bodies, the id stays longer.
  raw bytea,
  received_at timestamptz not null default now(),
  primary key (provider, event_id),
  unique (provider, body_hash)
);
create index processed_webhook_events_received_at on processed_webhook_events (received_at);
