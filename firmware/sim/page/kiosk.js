// The page of a virtual station: shows the kiosk's picture, sends touches, and moves the world around it.

const NOTES = {
  nobody_sits: "Chưa có ai ngồi. · Nobody sits there.",
  no_card: "Chưa có thẻ của hồ sơ trên đầu đọc. · None of this record’s cards lies there.",
  no_record_card: "Hồ sơ này chưa có thẻ nào. · This record has no card yet.",
};
// values in both languages: [vi, en]
const SKINS = { dry: [", khô", ", dry"], wet: [", ướt", ", wet"], worn: [", mòn", ", worn"] };
const CARDS = {
  blank: ["Phôi số", "Blank card"],
  record: ["Thẻ của hồ sơ", "This record’s card"],
  foreign: ["Thẻ lạ", "Foreign card"],
};
const QR = {
  own: ["QR thẻ cũ", "Own QR"],
  stranger: ["QR người khác", "Someone else’s QR"],
  nonsense: ["QR lạ", "Not a card’s QR"],
};
const EMPTY = ["Trống", "Empty"];
const NOTHING = ["", ""];
const AGAIN_MS = 1000;

const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const canvas = byId("screen");
const pencil = canvas.getContext("2d");
let station = null;
let shownTargets = "";
let newest = -1;
let before = Promise.resolve();

// --- the line to the station ---------------------------------------------------------------------------

/** Send what a person does, one thing after the other: digits arrive in the order in which they are typed. */
function post(path, body) {
  const answer = before.then(() => send(path, body));
  before = answer.catch(() => null);
  return answer;
}

async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = answer.status === 204 ? {} : await answer.json();
  byId("note").textContent = answer.ok ? "" : NOTES[said.problem] ?? said.problem;
  return answer.ok ? said : null;
}

const touch = (x, y) => post("/touch", { x, y });

async function act(verb, what) {
  const skin = document.querySelector("input[name=skin]:checked").value;
  const state = await post("/world", { verb, what, skin });
  if (state) show(state);
}

/** Keep asking for what comes after what we have; while the station is away or the page hidden, wait. */
async function follow(path, take) {
  for (let since = -1; ; ) {
    try {
      await visible();
      const answer = await fetch(`${path}?since=${since}`);
      since = (await take(answer)) ?? since;
      byId("ended").hidden = true;
    } catch {
      byId("ended").hidden = false;
      since = newest = -1;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

async function visible() {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

async function drawn(answer) {
  if (answer.status === 204) return null;
  if (!answer.ok) throw new Error(answer.status);
  pencil.drawImage(await createImageBitmap(await answer.blob()), 0, 0);
  canvas.dataset.change = answer.headers.get("x-change");
  return canvas.dataset.change;
}

async function seen(answer) {
  if (!answer.ok) throw new Error(answer.status);
  const state = await answer.json();
  show(state);
  return state.version;
}

// --- what is seen --------------------------------------------------------------------------------------

/** Show a state, unless a later one is shown already: the answer to an act may be overtaken. */
function show(state) {
  const { version, screen, asks, lift } = state;
  if (version < newest) return;
  newest = version;
  Object.assign(document.body.dataset, { version, screen, asks, lift });
  canvas.setAttribute("aria-label", `Màn hình · Screen: ${state.screen}`);
  byId("person").value = state.person;
  byId("asked").replaceChildren(...askedLabel(state.asks));
  byId("asked").classList.toggle("main", state.asks !== "" && !state.lift);
  byId("lift").classList.toggle("main", state.lift);
  all("button[data-verb]").forEach((button) => press(button, state));
  all("button[data-device]").forEach((button) => {
    button.setAttribute("aria-checked", String(!state.unplugged.includes(button.dataset.device)));
  });
  tellNow(state);
  layTargets(state.targets);
}

function askedLabel(asks) {
  const names = station.fingers[asks] ?? { vi: "ngón trỏ phải", en: "right index finger" };
  return bilingual([`Đặt ${names.vi}`, `Place ${names.en}`]);
}

function bilingual([vi, en]) {
  if (vi === en) return [vi];
  const english = document.createElement("span");
  english.lang = "en";
  english.textContent = en;
  return [`${vi} `, english];
}

/** Texts in both languages, one after the other; a plain string is the same in both. */
function joined(...parts) {
  return ["vi", "en"].map((_, at) => parts.map((part) => (Array.isArray(part) ? part[at] : part)).join(""));
}

const PRESSED = {
  finger: () => false,
  sit: (what, state) =>
    ({ down: state.seated > 0, second: state.seated > 1, closed: state.eyes_closed })[what] ?? false,
};

function press(button, state) {
  const { verb, what } = button.dataset;
  if (what === "none" || what === "next" || what === "slips" || verb === "finger") return;
  const pressed = PRESSED[verb]?.(what, state) ?? state[verb] === what;
  button.setAttribute("aria-pressed", String(pressed));
  if (verb === "card" && what === "record") button.disabled = !state.has_record_card;
}

function tellNow(state) {
  now("finger", fingerNow(state), EMPTY, "finger");
  now("camera", QR[state.qr] ?? seatNow(state), EMPTY, "camera");
  const card = CARDS[state.card];
  now("card", card && joined(card, state.card === "blank" ? ` ${state.blank}` : ""), EMPTY, "chip");
  now("badge", state.badge !== "none" && joined(state.badge), EMPTY);
  const lit = state.lamps.some((lamp) => lamp > 0);
  const levels = state.lamps.map((lamp) => `${Math.round(lamp * 100)}%`).join(" · ");
  now("lamps", lit && joined(levels), ["Tắt", "Off"], "panel");
  byId("now-lamps").prepend(...state.lamps.map(lampOf));
  now("tray", state.tray_locked && ["Đang khoá", "Locked"], ["Mở được", "Free"], "panel");
  now("buzzer", state.buzzing && ["Đang kêu", "Sounds"], ["Im", "Silent"], "panel");
  now("lux", joined(`${state.lux} lx`));

  function now(name, said, otherwise, device) {
    const place = byId(`now-${name}`);
    const away = state.unplugged.includes(device);
    place.replaceChildren(...bilingual(away ? ["Đã rút dây", "Unplugged"] : said || otherwise));
    place.className = away ? "alert" : said ? "on" : "";
  }
}

function fingerNow({ finger }) {
  if (!finger) return null;
  const { vi, en } = station.fingers[finger.position];
  const whose = finger.own ? NOTHING : [" (người khác)", " (someone else’s)"];
  return joined([vi, en], whose, SKINS[finger.skin] ?? NOTHING);
}

function seatNow({ seated, eyes_closed }) {
  if (!seated) return null;
  const people = [`${seated} người`, seated === 1 ? "1 person" : `${seated} people`];
  return joined(people, eyes_closed ? [", nhắm mắt", ", eyes closed"] : NOTHING);
}

function lampOf(level) {
  const lamp = document.createElement("i");
  lamp.className = "lamp";
  lamp.style.background = `rgb(255 199 44 / ${level})`;
  return lamp;
}

/** Invisible buttons where the screen can be touched: for the keyboard only, clicks go to the picture. */
function layTargets(targets) {
  const wanted = JSON.stringify(targets);
  if (wanted === shownTargets) return;
  shownTargets = wanted;
  const focused = document.activeElement?.dataset.action;
  byId("targets").replaceChildren(...targets.map(targetButton));
  if (focused) byId("targets").querySelector(`[data-action="${focused}"]`)?.focus();
}

function targetButton({ action, rect: [x, y, w, h] }) {
  const [width, height] = station.size;
  const button = document.createElement("button");
  button.dataset.action = action;
  button.textContent = action.replace(":", " ");
  button.style.left = `${(100 * x) / width}%`;
  button.style.top = `${(100 * y) / height}%`;
  button.style.width = `${(100 * w) / width}%`;
  button.style.height = `${(100 * h) / height}%`;
  button.addEventListener("click", () => touch(x + (w >> 1), y + (h >> 1)));
  return button;
}

// --- what is done --------------------------------------------------------------------------------------

canvas.addEventListener("click", (event) => {
  const [width, height] = station.size;
  const place = canvas.getBoundingClientRect();
  const x = Math.floor(((event.clientX - place.left) * width) / place.width);
  const y = Math.floor(((event.clientY - place.top) * height) / place.height);
  touch(Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1));
});

byId("bezel").addEventListener("keydown", (event) => {
  const action = /^[0-9]$/.test(event.key) ? `digit:${event.key}` : { Backspace: "erase" }[event.key];
  const target = action && byId("targets").querySelector(`[data-action="${action}"]`);
  if (target && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    target.click();
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-verb], button[data-device]");
  if (!button) return;
  const { verb, what, off, device } = button.dataset;
  if (device) act(button.getAttribute("aria-checked") === "true" ? "unplug" : "plug", device);
  else act(verb, off && button.getAttribute("aria-pressed") === "true" ? off : what);
});

byId("person").addEventListener("change", (event) => act("person", event.target.value));

// --- start ---------------------------------------------------------------------------------------------

function badgeButton([number, pin]) {
  const button = document.createElement("button");
  button.dataset.verb = "badge";
  button.dataset.what = number;
  const small = document.createElement("span");
  small.textContent = `PIN ${pin}`;
  button.append(number, small);
  return button;
}

async function begin() {
  station = await (await fetch("/station")).json();
  [canvas.width, canvas.height] = station.size;
  byId("person").replaceChildren(
    ...station.people.map(({ name, number }, at) => new Option(`${name} · ${number}`, at)),
  );
  byId("badges").prepend(...Object.entries(station.pins).map(badgeButton));
  all("button[data-device]").forEach((button) => {
    button.disabled = !station.verbs.unplug.includes(button.dataset.device);
  });
  follow("/screen.jpg", drawn);
  follow("/state", seen);
}

begin();
