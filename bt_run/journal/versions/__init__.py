"""One file a schema version, oldest first; Alembic runs those that a journal lacks."""
