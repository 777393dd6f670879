-- Attributes of spans and logs as text: they are written once for each record
-- and read as a whole, and to make jsonb of them was a quarter of what storing
-- a span took, to make text of that again nearly half of what reading it did.
-- Both tables are rewritten.

alter table agentvista.spans
    alter column metadata type json using metadata::json;

alter table agentvista.logs
    alter column attributes type json using attributes::json;

alter type agentvista.span_row
    alter attribute metadata type json;
