"""Requests and answers, whatever carries them: REST and the WebSocket API share all of this."""
