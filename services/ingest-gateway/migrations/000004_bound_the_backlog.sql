-- Every upload asks first how many leads wait, and how many more are on their way in.
create index uploads_receiving on uploads (updated_at) where state = 'receiving';
drop index admissions_org_id_turn;
create index admissions_org_id_turn on admissions (org_id, turn) include (leads);
