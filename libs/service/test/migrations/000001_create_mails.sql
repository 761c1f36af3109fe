-- Up Migration
-- A unique e-mail, so that a violation's text quotes one.

create table mails (email text unique);
