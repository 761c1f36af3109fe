-- Up Migration
-- UK was taken for a country; leads that are there come as GB.
update icps i
set target_countries = (
  select array_agg(code order by place) from (
    select case u.given when 'UK' then 'GB' else u.given end as code, min(u.n) as place
    from unnest(i.target_countries) with ordinality as u (given, n) group by 1
  ) as codes
)
where 'UK' = any(i.target_countries);
