-- The id of the user with the name or id ?1 (if null, of the only user), if our last migration is ?2.
SELECT min(u.id) AS id
FROM users u
WHERE ?1 IS NULL OR u.username = ?1 OR CAST(u.id AS TEXT) = ?1
HAVING count(*) = 1 AND (SELECT max(m.version) FROM etl_migrations m) = ?2
