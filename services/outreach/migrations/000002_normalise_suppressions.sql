-- Up Migration
-- Suppressions were kept as the addresses were written; they are compared in one spelling now (domain/address-key.ts).

insert into suppressions (org_id, kind, value, reason, created_at)
select org_id, kind,
  case kind
    when 'email' then regexp_replace(lower(trim(value)), '^([^+@]+)\+[^@]*@', '\1@')
    else regexp_replace(regexp_replace(value, '[^0-9+]', '', 'g'), '^00', '+')
  end,
  reason, created_at
from suppressions where kind in ('email', 'phone')
on conflict do nothing;
