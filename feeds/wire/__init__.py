"""What comes over the wire: messages as plain data, connections and their rules."""
