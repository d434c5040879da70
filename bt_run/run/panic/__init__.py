"""Cancel and close at once, from journal and exchange."""
