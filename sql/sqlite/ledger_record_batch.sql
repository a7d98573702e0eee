-- In the transaction of a batch: run, batch, listens staged, listens inserted, entities created; ?8: some of its
-- listens (track, second), which are its witnesses.
INSERT INTO etl_batches (run_id, batch, listens, inserted, artists, albums, tracks, witnesses)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, (
    SELECT json_group_array(json_array(l.track_id, l.listened_at, l.rowid))
    FROM json_each(?8) w
    CROSS JOIN listens l ON l.track_id = w.value->>0 AND l.listened_at = w.value->>1
)
