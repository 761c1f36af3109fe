-- Up Migration
-- Archived letters are sent again as well, some of them by their ids at a time.
create index dead_letter_archive_id on dead_letter_archive (id);
