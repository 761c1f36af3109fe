-- Rows up to this one are committed as events: an upload that is sent again goes on behind it.
alter table uploads add column committed_row int not null default 0;
