-- Table etl_files: to which versions of the program a loaded file is known, as its rejected rows have it.
-- '' to every one; a version to that one, since another may read more of the file; 'never' to none, since the clock or the
-- files next to it decide. The greatest of several values holds for all of them.
ALTER TABLE etl_files ADD COLUMN settled_for TEXT NOT NULL DEFAULT ''
