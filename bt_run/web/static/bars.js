// The bars of one chart: a snapshot, then what follows it. What belongs to an older look is not for us.

export class Bars {
  constructor() {
    this.clear();
  }

  clear() {
    this.times = [];
    this.rows = new Map();
    this.forming = null;
  }

  // Columns: open_time, open, high, low, close, volume.
  replace(columns, forming) {
    this.clear();
    const [times, ...values] = columns;
    times.forEach((time, at) => {
      this.times.push(time);
      this.rows.set(time, values.map((column) => column[at]));
    });
    if (forming) this.form(forming);
  }

  close(rows) {
    for (const [time, ...values] of rows) {
      if (!this.rows.has(time)) this.times.push(time);
      this.rows.set(time, values);
      if (this.forming && this.forming[0] <= time) this.forming = null;
    }
  }

  form(row) {
    this.forming = row;
  }

  get last() {
    if (this.forming) return this.forming;
    const time = this.times.at(-1);
    return time === undefined ? null : [time, ...this.rows.get(time)];
  }

  all() {
    const closed = this.times.map((time) => [time, ...this.rows.get(time)]);
    return this.forming ? [...closed, this.forming] : closed;
  }
}
