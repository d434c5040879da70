"""What the live feed is made of: which bar comes next, and the connection that brings it."""
