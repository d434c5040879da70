"""Orders by hand: checked, written down, sent once, followed until they are over."""
