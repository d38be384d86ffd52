-- Which account wrote a version: the history of a record tells it. Empty for what was loaded in bulk or before this step.
alter table resource add column account text collate "C" not null default '';
alter table version add column account text collate "C" not null default '';
