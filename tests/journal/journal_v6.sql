BEGIN TRANSACTION;
CREATE TABLE alert_deliveries (
	alert INTEGER NOT NULL, 
	target VARCHAR(160) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_ms BIGINT NOT NULL, 
	done_ms BIGINT, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (alert, target), 
	FOREIGN KEY(alert) REFERENCES alerts (id)
);
INSERT INTO "alert_deliveries" VALUES(1,'json://host','sent',1,1789007400500,1789007401000,'');
CREATE TABLE alert_rules (
	id INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	interval VARCHAR(8) NOT NULL, 
	cooldown_s INTEGER NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "alert_rules" VALUES(1,'rsi(14) < 30','BTCUSDT','5m',900,1,1789007260000);
CREATE TABLE alerts (
	id INTEGER NOT NULL, 
	"key" VARCHAR(160) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	time_ms BIGINT NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	picture TEXT NOT NULL, 
	rule INTEGER NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "alerts" VALUES(1,'rule:1:BTCUSDT:5m:1789007100000:rsi(14) < 30','rule',1789007400000,'BTCUSDT','BTCUSDT 5m: rsi(14) < 30','close 64000.1, rsi(14) 29.5','{}',1,1789007400500);
CREATE TABLE balances (
	run INTEGER NOT NULL, 
	time_ms BIGINT NOT NULL, 
	asset VARCHAR(16) NOT NULL, 
	free TEXT NOT NULL, 
	locked TEXT NOT NULL, 
	PRIMARY KEY (run, time_ms, asset), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "balances" VALUES(2,1789007260000,'USDT','1000.10','0');
CREATE TABLE bars (
	run INTEGER NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	interval VARCHAR(8) NOT NULL, 
	open_time BIGINT NOT NULL, 
	open DOUBLE, 
	high DOUBLE, 
	low DOUBLE, 
	close DOUBLE, 
	volume DOUBLE, 
	quote_volume DOUBLE, 
	trades DOUBLE, 
	taker_buy_volume DOUBLE, 
	taker_buy_quote_volume DOUBLE, 
	source VARCHAR(16) NOT NULL, 
	tradable BOOLEAN NOT NULL, 
	PRIMARY KEY (run, symbol, interval, open_time), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "bars" VALUES(2,'BTCUSDT','1m',1789007260000,64000.1,64001.0,63999.9,64000.5,3.0,192000.0,NULL,1.5,NULL,'live',1);
CREATE TABLE bt_run_journal_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT bt_run_journal_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "bt_run_journal_version" VALUES('0006');
CREATE TABLE commands (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	verb VARCHAR(16) NOT NULL, 
	issued_ms BIGINT NOT NULL, 
	taken_ms BIGINT, 
	answer TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "commands" VALUES(1,2,'pause',1789007320000,1789007320400,'Paused: no new entries. Exits and protective orders go on.');
CREATE TABLE connections (
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	time_ms BIGINT NOT NULL, 
	stream VARCHAR(128) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	details TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "connections" VALUES(1,2,1789007260000,'btcusdt@kline_1m','connected','{"attempt":1}');
CREATE TABLE equity (
	run INTEGER NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	open_time BIGINT NOT NULL, 
	cash TEXT NOT NULL, 
	position TEXT NOT NULL, 
	price TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (run, symbol, open_time), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "equity" VALUES(2,'BTCUSDT',1789007260000,'1000.10','0','64000','1000.10');
CREATE TABLE fills (
	venue VARCHAR(32) NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	trade_id BIGINT NOT NULL, 
	client_id VARCHAR(36) NOT NULL, 
	run INTEGER NOT NULL, 
	side VARCHAR(4) NOT NULL, 
	quantity TEXT NOT NULL, 
	price TEXT NOT NULL, 
	fee TEXT NOT NULL, 
	fee_asset VARCHAR(16) NOT NULL, 
	time_ms BIGINT NOT NULL, 
	is_maker BOOLEAN, 
	PRIMARY KEY (venue, symbol, trade_id, client_id), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "fills" VALUES('testnet','BTCUSDT',41,'btr-1',1,'BUY','0.00100000','64000.01000000','0.06400001','USDT',1789000060120,NULL);
INSERT INTO "fills" VALUES('testnet','BTCUSDT',42,'btr-2',1,'SELL','0.00100000','65000.12345678','0.06500012','USDT',1789000120500,NULL);
CREATE TABLE hand_orders (
	client_id VARCHAR(36) NOT NULL, 
	venue VARCHAR(32) NOT NULL, 
	"key" VARCHAR(160) NOT NULL, 
	leg INTEGER NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	wish TEXT NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	side VARCHAR(4) NOT NULL, 
	type VARCHAR(24) NOT NULL, 
	quantity TEXT, 
	created_ms BIGINT NOT NULL, 
	updated_ms BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	quote_quantity TEXT, 
	price TEXT, 
	stop_price TEXT, 
	time_in_force VARCHAR(8) NOT NULL, 
	list_id VARCHAR(36) NOT NULL, 
	exchange_id BIGINT, 
	reason TEXT NOT NULL, 
	story TEXT NOT NULL, 
	PRIMARY KEY (client_id)
);
INSERT INTO "hand_orders" VALUES('hand-1','practice','desk-7',0,'hand','{"side":"BUY","price":"63000.50"}','BTCUSDT','BUY','LIMIT','0.00200000',1789007460000,1789007460250,'OPEN',NULL,'63000.50',NULL,'GTC','',9007199254740995,'','[["Intent",1789007460000,{}],["Accepted",1789007460250,{"exchange_id":9007199254740995}]]');
CREATE TABLE order_events (
	run INTEGER NOT NULL, 
	client_id VARCHAR(36) NOT NULL, 
	sequence INTEGER NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	time_ms BIGINT NOT NULL, details TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (run, client_id, sequence), 
	FOREIGN KEY(run, client_id) REFERENCES orders (run, client_id)
);
INSERT INTO "order_events" VALUES(1,'btr-1',1,'Submitted',1789000060000,'{}');
INSERT INTO "order_events" VALUES(1,'btr-1',2,'Fill',1789000060120,'{}');
INSERT INTO "order_events" VALUES(1,'btr-2',1,'Submitted',1789000120000,'{}');
INSERT INTO "order_events" VALUES(1,'btr-2',2,'Fill',1789000120500,'{}');
INSERT INTO "order_events" VALUES(2,'btr-3',1,'Submitted',1789007260000,'{}');
CREATE TABLE orders (
	run INTEGER NOT NULL, 
	client_id VARCHAR(36) NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	side VARCHAR(4) NOT NULL, 
	type VARCHAR(24) NOT NULL, 
	quantity TEXT, 
	created_ms BIGINT NOT NULL, 
	updated_ms BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	price TEXT, 
	exchange_id BIGINT, quote_quantity TEXT, stop_price TEXT, trailing_delta INTEGER, time_in_force VARCHAR(8) DEFAULT '' NOT NULL, list_id VARCHAR(36) DEFAULT '' NOT NULL, purpose VARCHAR(32) DEFAULT '' NOT NULL, reason TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (run, client_id), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "orders" VALUES(1,'btr-1','BTCUSDT','BUY','MARKET','0.00100000',1789000060000,1789000060120,'FILLED',NULL,9007199254740993,NULL,NULL,NULL,'','','','');
INSERT INTO "orders" VALUES(1,'btr-2','BTCUSDT','SELL','LIMIT','0.00100000',1789000120000,1789000120500,'FILLED','65000.12345678',9007199254740994,NULL,NULL,NULL,'','','','');
INSERT INTO "orders" VALUES(2,'btr-3','BTCUSDT','BUY','LIMIT','0.000000000000000001',1789007260000,1789007260000,'SENT','64000.10',NULL,NULL,NULL,NULL,'','','','');
CREATE TABLE runs (
	run INTEGER NOT NULL, 
	venue VARCHAR(32) NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	interval VARCHAR(8) NOT NULL, 
	strategy TEXT NOT NULL, 
	started_ms BIGINT NOT NULL, 
	ended_ms BIGINT, mode VARCHAR(16) DEFAULT 'live' NOT NULL, params TEXT DEFAULT '{}' NOT NULL, settings TEXT DEFAULT '{}' NOT NULL, version VARCHAR(32) DEFAULT '' NOT NULL, resumes INTEGER, outcome TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (run)
);
INSERT INTO "runs" VALUES(1,'testnet','BTCUSDT','1m','rsi(period=10)',1789000000000,1789003600000,'live','{}','{}','',NULL,'');
INSERT INTO "runs" VALUES(2,'practice','BTCUSDT','1m','macd',1789007200000,NULL,'live','{}','{}','',NULL,'');
CREATE TABLE settings (
	name VARCHAR(64) NOT NULL, 
	document TEXT NOT NULL, 
	changed_ms BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('desk','{"symbol":"ETHUSDT"}',1789007260000);
CREATE TABLE signals (
	run INTEGER NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	open_time BIGINT NOT NULL, 
	decisions TEXT NOT NULL, 
	"values" TEXT NOT NULL, 
	PRIMARY KEY (run, symbol, open_time), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "signals" VALUES(2,'BTCUSDT',1789007260000,'["buy"]','{"rsi":29.5}');
CREATE TABLE state (
	run INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (run, "key"), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "state" VALUES(2,'paused','true');
CREATE TABLE symbols (
	run INTEGER NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	base_asset VARCHAR(16) NOT NULL, 
	quote_asset VARCHAR(16) NOT NULL, 
	tick_size TEXT, 
	lot_step TEXT, 
	min_notional TEXT, 
	PRIMARY KEY (run, symbol), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "symbols" VALUES(2,'BTCUSDT','BTC','USDT','0.01','0.00001','5');
CREATE TABLE writer (
	id INTEGER NOT NULL, 
	token VARCHAR(64) NOT NULL, 
	pid INTEGER NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	since_ms BIGINT NOT NULL, 
	beat_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "writer" VALUES(1,'0123456789abcdef0123456789abcdef',4711,'bot',1789007260000,1789007260000);
CREATE INDEX orders_by_state ON orders (state);
CREATE INDEX orders_by_client_id ON orders (client_id);
CREATE INDEX fills_by_run ON fills (run);
CREATE INDEX connections_by_run ON connections (run);
CREATE INDEX alert_deliveries_by_target ON alert_deliveries (target, state);
CREATE INDEX hand_orders_by_key ON hand_orders (venue, "key");
CREATE INDEX hand_orders_by_state ON hand_orders (venue, state);
COMMIT;
