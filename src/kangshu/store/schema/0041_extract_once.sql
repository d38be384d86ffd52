-- One approval, one extract: further copies are downloads of it, so that nobody collects versions to lay side by side.
create unique index data_extract_once on data_extract (application);
drop index data_extract_application;
