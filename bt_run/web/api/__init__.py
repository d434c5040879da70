"""The interface of the web desk, one subject a file."""
