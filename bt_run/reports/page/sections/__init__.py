"""The sections of the report, one idea a file."""
