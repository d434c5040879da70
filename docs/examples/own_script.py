"""
A Backtrader script of one's own on bt-run's live feed and broker.

    python own_script.py                    the testnet, with the keys of .env
    python own_script.py practice 1d 12     a practice exchange that runs already, until 12 bars have closed
"""

import sys

import backtrader as bt

from bt_run.run.live.bt_store import BinanceStore


class InAndOut(bt.Strategy):
    """Buy at the market, sell three bars later, and so on; end flat."""

    params = (("bars", 30),)

    def __init__(self):
        self.average = bt.ind.SMA(period=20)
        self.entered = self.seen = 0

    def notify_data(self, data, status, *args, **kwargs):
        print(data._name, data._getstatusname(status), flush=True)

    def notify_order(self, order):
        if order.status == order.Completed:
            side = "bought" if order.isbuy() else "sold"
            print(f"{side} {abs(order.executed.size):g} at {order.executed.price:,.2f}", flush=True)
        elif order.status in (order.Rejected, order.Margin):
            print("refused:", order.info["reason"], flush=True)

    def next(self):
        if not self.data.last_is_live:
            return  # history: the broker would refuse orders on it
        self.seen += 1
        if self.seen > self.p.bars:
            if not self.position:
                self.env.runstop()
            self.close()
        elif not self.position:
            self.buy(size=0.01)
            self.entered = len(self)
        elif len(self) - self.entered >= 3:
            self.close()


def main(venue="testnet", interval="1m", bars="30"):
    cerebro = bt.Cerebro(stdstats=False, quicknotify=True)
    cerebro.addstrategy(InAndOut, bars=int(bars))

    store = BinanceStore(venue)
    cerebro.adddata(store.getdata("BTCUSDT", interval, history=100))
    cerebro.setbroker(store.getbroker(cash=1000))

    cerebro.run()
    print(f"value {cerebro.broker.getvalue():,.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
