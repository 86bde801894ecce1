// The chat page. Whatever a model or a server says is put in as text (textContent), never as markup.
"use strict";

const at = (id) => document.getElementById(id);
const talk = at("talk"), words = at("words"), hover = at("hover"), note = at("note");
const turns = []; // { role, content }
const thoughts = new WeakMap(); // of the span of a token: what the model thought of it
let models = [], going = null;

const make = (kind, name, text) => {
  const found = document.createElement(kind);
  if (name) found.className = name;
  if (text !== undefined) found.textContent = text;
  return found;
};
const headers = () => ({ "Content-Type": "application/json", ...(at("key").value && { Authorization: `Bearer ${at("key").value}` }) });
const shown = (token) => token.replace(/ /g, "\u00b7").replace(/\n/g, "\u23ce").replace(/\t/g, "\u21e5");
const percent = (logprob) => `${(100 * Math.exp(logprob)).toFixed(1)}%`;

async function fault(response) {
  const told = await response.json().catch(() => ({}));
  return told.error?.message ?? `the server answered ${response.status}`;
}

async function findModels() {
  try {
    const response = await fetch("/v1/models", { headers: headers() });
    if (!response.ok) {
      note.textContent = await fault(response);
      if (response.status === 401) at("settings").open = true;
      return;
    }
    models = (await response.json()).data.filter((model) => !model.is_encoder);
  } catch {
    note.textContent = "The server cannot be reached.";
    return;
  }
  note.textContent = models.length ? "" : "Only encoders are served; they do not talk.";
  const chosen = at("model").value;
  at("model").replaceChildren(...models.map((model) => new Option(model.id, model.id)));
  if (models.some((model) => model.id === chosen)) at("model").value = chosen;
  showVersion();
}

function showVersion() {
  at("version").textContent = (models.find((model) => model.id === at("model").value)?.version ?? "").slice(0, 12);
}

function bubble(role, text) {
  const article = make("article", role);
  article.append(make("div", "said", text));
  talk.append(article);
  talk.scrollTop = talk.scrollHeight;
  return article;
}

// Tokens come as bytes: a character of several tokens is shown with the last of them.
function tokenWriter(said) {
  const decoder = new TextDecoder();
  return (entry) => {
    const text = decoder.decode(new Uint8Array(entry.bytes), { stream: true });
    if (!text) return;
    const span = make("span", "", text);
    const doubt = 1 - Math.exp(entry.logprob);
    span.style.setProperty("--doubted", (doubt * doubt).toFixed(3));
    thoughts.set(span, entry);
    said.append(span);
  };
}

async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (pending + value).split("\n\n");
    pending = parts.pop();
    for (const part of parts) if (part.startsWith("data: ")) yield part.slice(6);
  }
}

function asked() {
  const system = at("system").value.trim();
  return {
    model: at("model").value,
    messages: [...(system ? [{ role: "system", content: system }] : []), ...turns],
    temperature: Number(at("temperature").value),
    max_tokens: Number(at("most").value),
    stream: true,
    stream_options: { include_usage: true },
    logprobs: true,
    top_logprobs: 5,
  };
}

async function answer() {
  const article = bubble("assistant", ""), controller = new AbortController(), began = performance.now();
  const found = { text: "", usage: null, finish: null, first: null };
  article.classList.add("waiting");
  going = controller;
  at("send").hidden = true;
  at("stop").hidden = false;
  try {
    await read(article, controller, found);
    found.seconds = (performance.now() - found.first) / 1000;
    found.first = (found.first - began) / 1000;
  } catch (error) {
    if (error.name === "AbortError") found.finish = "stopped";
    else article.append(make("div", "fault", error.message));
  }
  article.classList.remove("waiting");
  if (going === controller) {
    going = null;
    at("send").hidden = false;
    at("stop").hidden = true;
    words.focus();
  }
  if (!article.isConnected) return; // a new conversation was begun meanwhile
  if (found.text) turns.push({ role: "assistant", content: found.text });
  tellOf(article, found);
}

async function read(article, controller, found) {
  const response = await fetch("/v1/chat/completions", { method: "POST", headers: headers(), body: JSON.stringify(asked()), signal: controller.signal });
  if (!response.ok) throw new Error(await fault(response));
  const write = tokenWriter(article.firstChild);
  for await (const data of eventsOf(response.body)) {
    if (data === "[DONE]") return;
    const told = JSON.parse(data);
    if (told.error) throw new Error(told.error.message);
    found.usage = told.usage ?? found.usage;
    const choice = told.choices[0];
    if (!choice) continue;
    if (choice.logprobs) found.first ??= performance.now();
    found.text += choice.delta.content ?? "";
    found.finish = choice.finish_reason ?? found.finish;
    const isLow = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
    choice.logprobs?.content.forEach(write);
    if (isLow) talk.scrollTop = talk.scrollHeight;
  }
}

function tellOf(article, found) {
  talk.querySelectorAll(".again").forEach((old) => old.remove());
  const line = make("div", "about"), again = make("button", "again", "Regenerate");
  again.type = "button";
  again.addEventListener("click", () => {
    if (going) return;
    if (turns.at(-1)?.role === "assistant") turns.pop();
    article.remove();
    hover.hidden = true;
    answer();
  });
  line.append(again);
  if (found.usage && found.seconds !== undefined) {
    const count = found.usage.completion_tokens;
    const speed = count > 1 ? `, ${((count - 1) / Math.max(found.seconds, 0.001)).toFixed(1)} a second` : "";
    line.append(make("span", "", `${count} tokens${speed}, the first after ${found.first.toFixed(2)} s`));
  }
  if (found.finish === "length") line.append(make("span", "", "cut at the longest answer"));
  if (found.finish === "stopped") line.append(make("span", "", "stopped"));
  article.append(line);
  talk.scrollTop = talk.scrollHeight;
}

function showThoughts(span) {
  const entry = thoughts.get(span);
  const isChosen = (other) => other.token === entry.token && other.logprob === entry.logprob;
  const rows = entry.top_logprobs.some(isChosen) ? entry.top_logprobs : [...entry.top_logprobs, entry];
  hover.replaceChildren(...rows.map((other) => {
    const row = make("div", isChosen(other) ? "row chosen" : "row"), bar = make("div", "bar");
    bar.style.width = percent(other.logprob);
    row.append(bar, make("code", "", shown(other.token)), make("span", "share", percent(other.logprob)));
    return row;
  }));
  hover.hidden = false;
  const box = span.getBoundingClientRect(), below = box.bottom + 8;
  hover.style.left = `${Math.max(8, Math.min(box.left, innerWidth - hover.offsetWidth - 8))}px`;
  hover.style.top = `${below + hover.offsetHeight < innerHeight ? below : box.top - hover.offsetHeight - 8}px`;
}

talk.addEventListener("mouseover", (event) => thoughts.has(event.target) && showThoughts(event.target));
talk.addEventListener("mouseout", () => { hover.hidden = true; });
talk.addEventListener("scroll", () => { hover.hidden = true; });
at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = words.value.trim();
  if (!text || going || !at("model").value) return;
  turns.push({ role: "user", content: text });
  bubble("user", text);
  words.value = "";
  words.style.height = "";
  answer();
});
at("stop").addEventListener("click", () => going?.abort());
at("fresh").addEventListener("click", () => {
  talk.replaceChildren();
  turns.length = 0;
  going?.abort();
  words.focus();
});
at("model").addEventListener("change", showVersion);
at("tint").addEventListener("change", (event) => talk.classList.toggle("tinted", event.target.checked));
at("temperature").addEventListener("input", (event) => { at("temperature-shown").value = event.target.value; });
at("key").addEventListener("change", findModels);
words.addEventListener("input", () => {
  words.style.height = "";
  words.style.height = `${words.scrollHeight}px`;
});
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("ask").requestSubmit();
});
setInterval(() => { if (!going) findModels(); }, 15000);
findModels();
