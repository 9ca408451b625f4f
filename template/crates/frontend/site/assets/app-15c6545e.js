// Posts and lists notes, and says what went wrong where it can be seen.
const form = document.querySelector("#new");
const message = document.querySelector("#message");
const list = document.querySelector("#notes");
const empty = document.querySelector("#empty");

async function api(options) {
  const response = await fetch("/api/notes", options);
  const body = await response.json();
  if (response.ok) return body;
  const first = body.errors?.[0];
  throw new Error(first ? `The ${first.field} ${first.message}.` : (body.detail ?? body.title));
}

function item({ text, created_at }) {
  const time = document.createElement("time");
  time.dateTime = created_at;
  time.textContent = new Date(created_at).toLocaleString();
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  const element = document.createElement("li");
  element.append(paragraph, time);
  return element;
}

async function show() {
  const { notes } = await api();
  list.replaceChildren(...notes.map(item));
  empty.hidden = notes.length > 0;
}

async function attempt(action) {
  message.textContent = "";
  try {
    await action();
  } catch (error) {
    message.textContent = error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const text = new FormData(form).get("text");
    const headers = { "Content-Type": "application/json" };
    await api({ method: "POST", headers, body: JSON.stringify({ text }) });
    form.reset();
    await show();
  });
});

attempt(show);
navigator.serviceWorker?.register("/sw.js");
