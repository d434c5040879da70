"""
The practice exchange: Binance's protocol on loopback, for the first minute of live trading and for our tests.

It is a product, not a test part, and shares no code with `brokers/`: two independent readings of Binance's
rules test each other. `bt_run.practice.exchange.Exchange` is the whole exchange without I/O; the server puts
REST, streams and the WebSocket API on it.
"""
