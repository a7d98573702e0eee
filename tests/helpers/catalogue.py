"""Dumps the catalogue of a database: every object with its whole definition, owner and rights, as text."""

from __future__ import annotations

from tests.helpers.support import query

_CATALOGUE = """
WITH spaces AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
relations AS (
    SELECT c.*, s.nspname FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace WHERE c.relkind <> 'i'
)
SELECT 'schema ' || nspname AS object,
    concat_ws(' ', pg_get_userbyid(nspowner), nspacl::text, obj_description(oid, 'pg_namespace')) AS definition
FROM pg_namespace WHERE oid IN (SELECT oid FROM spaces)
UNION ALL
SELECT 'relation ' || nspname || '.' || relname, concat_ws(' ', relkind, pg_get_userbyid(relowner), relacl::text,
    relpersistence, reloptions::text, relrowsecurity, relreplident, obj_description(oid, 'pg_class'),
    CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END)
FROM relations
UNION ALL
SELECT 'sequence ' || s.seqrelid::regclass, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin,
    seqcache, seqcycle)
FROM pg_sequence s JOIN relations r ON r.oid = s.seqrelid
UNION ALL
SELECT 'column ' || r.nspname || '.' || r.relname || '.' || a.attname, concat_ws(' ', a.attnum,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation, a.attstorage,
    a.attacl::text, pg_get_expr(d.adbin, d.adrelid))
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
UNION ALL
SELECT 'index ' || indexrelid::regclass, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisclustered)
FROM pg_index JOIN relations r ON r.oid = indrelid
UNION ALL
SELECT 'constraint ' || conname || ' on ' || conrelid::regclass,
    concat_ws(' ', pg_get_constraintdef(c.oid), convalidated, condeferrable)
FROM pg_constraint c JOIN relations r ON r.oid = c.conrelid
UNION ALL
SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass, concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled)
FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT 'rule ' || rulename || ' on ' || ev_class::regclass, pg_get_ruledef(u.oid)
FROM pg_rewrite u JOIN relations r ON r.oid = u.ev_class
UNION ALL
SELECT 'function ' || p.oid::regprocedure, concat_ws(' ', pg_get_userbyid(proowner), proacl::text,
    CASE WHEN prokind = 'f' THEN pg_get_functiondef(p.oid) END)
FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
UNION ALL
SELECT 'type ' || t.oid::regtype, concat_ws(' ', typtype, pg_get_userbyid(typowner), typacl::text,
    (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace
UNION ALL
SELECT 'extension ' || extname, extversion FROM pg_extension
UNION ALL
SELECT 'event trigger ' || evtname, evtevent FROM pg_event_trigger
UNION ALL
SELECT 'default rights ' || oid, defaclacl::text FROM pg_default_acl
UNION ALL
SELECT 'setting', setconfig::text FROM pg_db_role_setting d JOIN pg_database b ON b.oid = d.setdatabase
WHERE b.datname = current_database()
"""


def catalogue(uri: str) -> dict[str, str]:
    """Return the definition of each object that is not PostgreSQL's own."""
    return dict(query(uri, _CATALOGUE))
