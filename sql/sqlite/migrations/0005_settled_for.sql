-- Table etl_files: column settled_for, the versions of this program for which a loaded file counts as known.
-- '': all versions. A version: only that one, because another may read more of the file. 'never': none, because the
-- clock or the files next to it decide about its rejected rows. The greatest of several values applies to all of them.
ALTER TABLE etl_files ADD COLUMN settled_for TEXT NOT NULL DEFAULT ''
