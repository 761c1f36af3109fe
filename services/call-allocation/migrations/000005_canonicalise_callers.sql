-- Up Migration
-- Languages of callers were taken as written: EN and en-AU matched nothing. One spelling now, the language alone, as the
-- door writes it. A code that does not exist stays as it is and matches nothing, as before.
with written (given, canonical) as (
  values ('nb', 'no'), ('nn', 'no'), ('iw', 'he'), ('in', 'id'), ('ji', 'yi'), ('jw', 'jv'), ('mo', 'ro'), ('tl', 'fil'),
    ('sh', 'sr'), ('cmn', 'zh'), ('arb', 'ar')
),
codes as (
  select c.id, coalesce(w.canonical, alone.code) as code, min(u.n) as place
  from callers c
    cross join unnest(c.language_codes) with ordinality as u (given, n)
    cross join lateral (select lower(split_part(replace(trim(u.given), '_', '-'), '-', 1)) as code) as alone
    left join written w on w.given = alone.code
  group by 1, 2
)
update callers c
set language_codes = (select array_agg(code order by place) from codes where codes.id = c.id)
where cardinality(c.language_codes) > 0;

-- UK was taken for a country; the numbers that ring there are GB's.
update callers c
set region_iso_codes = (
  select array_agg(code order by place) from (
    select case u.given when 'UK' then 'GB' else u.given end as code, min(u.n) as place
    from unnest(c.region_iso_codes) with ordinality as u (given, n) group by 1
  ) as codes
)
where 'UK' = any(c.region_iso_codes);

update callers c set timezone = z.name
from pg_timezone_names z
where lower(z.name) = lower(c.timezone) and z.name <> c.timezone;
