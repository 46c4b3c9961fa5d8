-- What one cell of a OneRoster CSV file may hold. is_* is true only for a good cell as it stands; fault_* says what is
-- wrong, 0 for nothing, by the numbers of hub/standards/validation/oneroster_cells.py; kept_* is the cell as checks
-- across files read it. `absent` is the fault of a blank cell, 0 where it may be blank. At most one fault per cell: the
-- first that a reader must mend. Each test runs only for cells that those before it did not settle.

-- a cell without blanks around
CREATE OR REPLACE MACRO bare(raw) AS trim(raw, chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13));
CREATE OR REPLACE MACRO blank(absent) AS CASE WHEN absent = 0 THEN 2 ELSE absent END;
CREATE OR REPLACE MACRO blank_item(raw) AS regexp_matches(raw, '(^|,)\s*(,|$)');
CREATE OR REPLACE MACRO extends(raw, extensible) AS extensible AND regexp_full_match(raw, 'ext:[A-Za-z0-9._-]+');

-- OneRoster CSV binding, GUID: up to 255 of letters, digits and . - _ / @
CREATE OR REPLACE MACRO is_guid(raw) AS NOT regexp_matches(raw, '[^0-9A-Za-z._/@-]') AND strlen(raw) <= 255;
-- exactly as a date is written: neither 2026-8-1 nor a time comes back the same
CREATE OR REPLACE MACRO is_date(raw) AS length(raw) = 10 AND CAST(TRY_CAST(raw AS DATE) AS TEXT) = raw;
CREATE OR REPLACE MACRO is_datetime(raw) AS
  regexp_full_match(raw, '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z') AND TRY_CAST(raw AS TIMESTAMP) IS NOT NULL;
CREATE OR REPLACE MACRO is_integer(raw) AS regexp_full_match(raw, '-?[0-9]+');
CREATE OR REPLACE MACRO is_float(raw) AS regexp_full_match(raw, '-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?');
CREATE OR REPLACE MACRO is_year(raw) AS regexp_full_match(raw, '[0-9]{4}');
-- whether it is a GUID shows by its target: only what finds none is looked at
CREATE OR REPLACE MACRO is_reference(raw) AS NOT starts_with(raw, ' ') AND NOT ends_with(raw, ' ');
CREATE OR REPLACE MACRO is_references(raw) AS NOT regexp_matches(raw, '^\s|\s$|\s,|,\s|,,|^,|,$');
CREATE OR REPLACE MACRO is_text(raw) AS strlen(raw) <= 255 OR length(raw) <= 255;
CREATE OR REPLACE MACRO is_texts(raw) AS NOT blank_item(raw);
-- neither IN nor list_contains: DuckDB joins with a list of five or more, and so looks at every cell at every test
CREATE OR REPLACE MACRO among(raw, listed) AS coalesce(list_position(listed, raw), 0) > 0;
CREATE OR REPLACE MACRO is_listed(raw, listed, extensible) AS among(raw, listed) OR extends(raw, extensible);

CREATE OR REPLACE MACRO fault_guid(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_guid(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) WHEN is_guid(bare(raw)) THEN 2 ELSE 3 END;
CREATE OR REPLACE MACRO fault_date(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_date(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) WHEN is_date(bare(raw)) THEN 2 ELSE 3 END;
CREATE OR REPLACE MACRO fault_datetime(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_datetime(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) WHEN is_datetime(bare(raw)) THEN 2 ELSE 3 END;
CREATE OR REPLACE MACRO fault_integer(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_integer(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) WHEN is_integer(bare(raw)) THEN 2 ELSE 3 END;
CREATE OR REPLACE MACRO fault_float(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_float(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) WHEN is_float(bare(raw)) THEN 2 ELSE 3 END;
CREATE OR REPLACE MACRO fault_year(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_year(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) WHEN is_year(bare(raw)) THEN 2
  WHEN regexp_full_match(raw, '\s*[0-9]{4}\s*[-/]\s*[0-9]{2}([0-9]{2})?\s*') THEN 8 ELSE 3 END;
CREATE OR REPLACE MACRO fault_reference(raw, absent) AS CASE WHEN raw IS NULL THEN absent WHEN is_reference(raw) THEN 0
  WHEN bare(raw) = '' THEN blank(absent) ELSE 2 END;
CREATE OR REPLACE MACRO fault_references(raw, absent) AS CASE WHEN raw IS NULL THEN absent
  WHEN is_references(raw) THEN 0 WHEN bare(raw) = '' THEN blank(absent) WHEN blank_item(raw) THEN 3 ELSE 2 END;
-- what begins with a blank sorts before '!': trimming every text takes as long as reading it
CREATE OR REPLACE MACRO fault_text(raw, absent) AS CASE WHEN raw IS NULL THEN absent
  WHEN absent <> 0 AND raw < '!' AND bare(raw) = '' THEN absent WHEN is_text(raw) THEN 0 ELSE 9 END;
CREATE OR REPLACE MACRO fault_texts(raw, absent) AS CASE WHEN raw IS NULL THEN absent
  WHEN raw < '!' AND bare(raw) = '' THEN absent WHEN blank_item(raw) THEN 3 ELSE 0 END;
CREATE OR REPLACE MACRO fault_listed(raw, absent, listed, folded, extensible) AS CASE WHEN raw IS NULL THEN absent
  WHEN is_listed(raw, listed, extensible) THEN 0 WHEN bare(raw) = '' THEN blank(absent)
  WHEN is_listed(bare(raw), listed, extensible) THEN 2 WHEN among(lower(bare(raw)), folded) THEN 4
  WHEN extensible AND starts_with(lower(bare(raw)), 'ext:') THEN 5 ELSE 3 END;
-- `items` and `folded` are patterns of the whole list
CREATE OR REPLACE MACRO fault_items(raw, absent, items, folded, extensible) AS CASE WHEN raw IS NULL THEN absent
  WHEN regexp_full_match(raw, items) THEN 0 WHEN bare(raw) = '' THEN blank(absent)
  WHEN regexp_full_match(bare(raw), items) THEN 2 WHEN regexp_full_match(bare(raw), folded) THEN 4
  WHEN extensible AND starts_with(lower(bare(raw)), 'ext:') THEN 5 ELSE 3 END;
-- status and dateLastModified, blank in bulk; a status that is not known is worse than a filled one
CREATE OR REPLACE MACRO fault_filled(raw) AS CASE WHEN raw IS NULL THEN 0 WHEN bare(raw) = '' THEN 0 ELSE 7 END;
CREATE OR REPLACE MACRO fault_filled_listed(raw, folded) AS CASE WHEN raw IS NULL THEN 0 WHEN bare(raw) = '' THEN 0
  WHEN NOT among(lower(bare(raw)), folded) THEN 3 ELSE 7 END;

CREATE OR REPLACE MACRO kept_text(raw) AS nullif(bare(raw), '');
CREATE OR REPLACE MACRO kept_listed(raw, listed, folded) AS
  coalesce(listed[list_position(folded, lower(bare(raw)))], nullif(bare(raw), ''));
