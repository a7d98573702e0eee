-- A consistent copy of the whole database into the empty file ?1.
VACUUM INTO ?1
