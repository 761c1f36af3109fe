-- Ids of events are unique within the account that signs them: one organisation's account must not take another's ids.
alter table processed_webhook_events
  -- The organisation whose secret it was; empty where one account serves all.
  add column account text not null default '';
update processed_webhook_events set account = org_id::text where provider = 'yay' and org_id is not null;
alter table processed_webhook_events
  drop constraint processed_webhook_events_pkey,
  drop constraint processed_webhook_events_provider_body_hash_key,
  add primary key (provider, account, event_id),
  add unique (provider, account, body_hash);
