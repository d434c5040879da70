// The server: requests with the CSRF token of this page, and one socket that comes back by itself.

let csrf = "";

export async function get(path) {
  return read(await fetch(`/api/v1${path}`, { headers: { accept: "application/json" } }));
}

export async function send(method, path, body, more = {}) {
  return read(await fetch(`/api/v1${path}`, { method, headers: { "content-type": "application/json", "x-csrf-token": csrf, ...more }, body: JSON.stringify(body) }));
}

// The same key is the same order, however often it is sent.
export function order(wish, key) {
  return send("POST", "/orders", wish, { "idempotency-key": key });
}

async function read(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const detail = Array.isArray(body.detail) ? body.detail.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join("; ") : body.detail;
  // `at`: where in a rule the trouble begins.
  throw Object.assign(new Error(detail || `The server answered ${answer.status}.`), { at: body.at, status: answer.status });
}

export async function begin() {
  const page = await get("/page");
  csrf = page.csrf;
  return page;
}

export class Stream {
  // Calls `hear` with each message, `opened` after each connection (say again what you look at), `lost` when there is none, and
  // `shut` with the reason where the server is there and lets this browser in no longer.
  constructor({ hear, opened, lost, shut }) {
    this.shut = shut;
    this.hear = hear;
    this.opened = opened;
    this.lost = lost;
    this.pause = 500;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/api/v1/stream`);
    this.socket.addEventListener("open", () => { this.pause = 500; this.opened(); });
    this.socket.addEventListener("message", ({ data }) => this.hear(JSON.parse(data)));
    this.socket.addEventListener("close", () => {
      this.lost();
      get("/ping").catch(({ status, message }) => { if (status === 401) this.shut(message); });
      setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(this.pause * 2, 10_000);
    });
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
