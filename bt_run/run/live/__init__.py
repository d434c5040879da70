"""A live run: begin, trade, recover, end."""
