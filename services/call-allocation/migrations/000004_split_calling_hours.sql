-- Up Migration
-- One zone a country let one coast's clock ring the other. A task's place is now its country with every zone in which the
-- telephone may stand. Tasks of before knew the country only: they get all of its zones, so none rings too early.
alter table call_tasks add column calling_area text;

with zones (region_iso, names) as (
  values
    ('AR', array['America/Argentina/Buenos_Aires']),
    ('AU', array['Australia/Perth', 'Australia/Eucla', 'Australia/Darwin', 'Australia/Brisbane', 'Australia/Adelaide', 'Australia/Lord_Howe', 'Australia/Sydney']),
    ('BR', array['America/Rio_Branco', 'America/Manaus', 'America/Sao_Paulo', 'America/Noronha']),
    ('CA', array['America/Vancouver', 'America/Whitehorse', 'America/Edmonton', 'America/Regina', 'America/Winnipeg', 'America/Toronto', 'America/Halifax', 'America/St_Johns']),
    ('CL', array['Pacific/Easter', 'America/Santiago', 'America/Punta_Arenas']),
    ('CN', array['Asia/Urumqi', 'Asia/Shanghai']),
    ('ES', array['Atlantic/Canary', 'Europe/Madrid']),
    ('MX', array['America/Tijuana', 'America/Mazatlan', 'America/Ojinaga', 'America/Mexico_City', 'America/Cancun']),
    ('NZ', array['Pacific/Auckland', 'Pacific/Chatham']),
    ('PT', array['Atlantic/Azores', 'Europe/Lisbon']),
    ('RU', array['Europe/Kaliningrad', 'Europe/Moscow', 'Europe/Samara', 'Asia/Yekaterinburg', 'Asia/Omsk', 'Asia/Novosibirsk', 'Asia/Irkutsk', 'Asia/Yakutsk', 'Asia/Vladivostok', 'Asia/Magadan', 'Asia/Kamchatka']),
    ('US', array['America/Adak', 'Pacific/Honolulu', 'America/Anchorage', 'America/Los_Angeles', 'America/Phoenix', 'America/Denver', 'America/Chicago', 'America/New_York'])
),
placed as (
  select t.key, t.region_iso, coalesce(z.names, array[t.timezone]) as names
  from call_tasks t left join zones z using (region_iso)
  where t.timezone is not null
)
update call_tasks t
set calling_area = p.region_iso || ' ' || array_to_string(p.names, ','),
    state = jsonb_set(t.state::jsonb #- '{region,timezone}', '{region,timezones}', to_jsonb(p.names))::text
from placed p where p.key = t.key;

alter table call_tasks drop column timezone;
-- What matching asks first: the places where a task waits.
create index call_tasks_areas on call_tasks (calling_area) where status = 'PENDING';
