// Gatepost's one browser module. Every page works without it; it adds copy buttons, local times,
// questions in a dialog, fields that can be shown, and lines that arrive while they are worked on.

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The only HTML ever parsed here comes from this server's own pages, escaped by its templates.
const own = window.trustedTypes?.createPolicy("gatepost", { createHTML: (html) => html }) ?? {
  createHTML: (html) => html,
};
const parse = (html) => new DOMParser().parseFromString(own.createHTML(html), "text/html");

/** Says something to a screen reader without moving the focus. */
function say(text) {
  const region = one("#said");
  if (region) region.textContent = text;
}

function offerCopy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) return;
  const word = one("span", button);
  const name = word.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.dataset.value ?? source.textContent.trim());
      word.textContent = button.dataset.done;
    } catch {
      getSelection().selectAllChildren(source);
      word.textContent = button.dataset.selected;
    }
    say(word.textContent);
    setTimeout(() => { word.textContent = name; }, 2500);
  });
}

function offerShowing(button) {
  const field = document.getElementById(button.dataset.show);
  const [show, hide] = [button.textContent, button.dataset.hide];
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = shown ? show : hide;
    field.focus();
  });
  field.form?.addEventListener("submit", () => { field.type = "password"; });
}

// As the server writes dates (22 Nov 2026, 10:04), so that only the zone changes.
const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

function showLocally(time) {
  const instant = new Date(time.dateTime);
  if (Number.isNaN(instant.valueOf())) return;
  if (time.dataset.local === "title") time.title = clock.format(instant);
  else time.textContent = clock.format(instant);
}

/** A link to a page that asks before it acts: its question is asked in a dialog instead. */
async function ask(event) {
  const link = event.currentTarget;
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const follow = () => location.assign(link.href);
  try {
    const response = await fetch(link.href, { headers: { Accept: "text/html" } });
    const question = response.ok && one("[data-question]", parse(await response.text()));
    if (!question) return follow();
    const dialog = document.createElement("dialog");
    const heading = one("h1, h2", question);
    heading.id = "question";
    dialog.setAttribute("aria-labelledby", heading.id);
    dialog.append(document.adoptNode(question));
    document.body.append(dialog);
    prepare(dialog);
    one("[data-cancel]", dialog)?.addEventListener("click", (cancel) => {
      cancel.preventDefault();
      dialog.close();
    });
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    dialog.showModal();
    one("[data-cancel]", dialog)?.focus();
  } catch {
    follow();
  }
}

/** Lines that the server sends while it works: each replaces the line with its id. */
function follow(list) {
  const stream = new EventSource(list.dataset.stream);
  const again = document.getElementById(list.dataset.again);
  if (again) again.hidden = true;
  stream.addEventListener("line", ({ data }) => {
    const line = parse(`<ol>${data}</ol>`).querySelector("li");
    const old = line?.id && document.getElementById(line.id);
    if (!line) return;
    document.adoptNode(line);
    if (old) old.replaceWith(line); else list.append(line);
    prepare(line);
  });
  // The end names the page that shows the whole result, so a reload shows the same.
  stream.addEventListener("end", ({ data }) => {
    stream.close();
    if (data) location.replace(new URL(data, location.origin).pathname);
  });
  stream.addEventListener("error", () => {
    stream.close();
    if (again) again.hidden = false;
  });
}

/** A part of the page that is fetched again every few seconds until it says it is finished. */
function keepFresh(part) {
  const again = async () => {
    if (document.hidden) return setTimeout(again, 2000);
    try {
      const response = await fetch(part.dataset.from ?? location.href, { headers: { Accept: "text/html" } });
      const fresh = response.ok && one(`#${part.id}`, parse(await response.text()));
      if (!fresh) return;
      if (fresh.textContent.trim() !== part.textContent.trim()) {
        part.replaceChildren(...document.adoptNode(fresh).childNodes);
        prepare(part);
      }
      if (!fresh.dataset.refresh) return;
    } catch { /* the network is away for a moment: ask again */ }
    setTimeout(again, Number(part.dataset.refresh) * 1000);
  };
  setTimeout(again, Number(part.dataset.refresh) * 1000);
}

/** One press, one request: a second press while the answer is under way does nothing. */
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
}

function prepare(part) {
  all("button[data-copy]", part).forEach(offerCopy);
  all("button[data-show]", part).forEach(offerShowing);
  all("time[data-local]", part).forEach(showLocally);
  all("a[data-ask]", part).forEach((link) => link.addEventListener("click", ask));
  all("form[method=post]:not([data-onward])", part).forEach(sendOnce);
}

/** An answer for an app goes on by itself. */
const goOn = (form) => form.requestSubmit();

/** A one-time code in the link's fragment, which no server sees, goes into its field. */
function takeFragment(field) {
  const code = location.hash.slice(1);
  if (!code) return;
  field.value = code;
  field.closest(".field").hidden = true;
  history.replaceState(null, "", location.pathname);
}

prepare(document);
all("[data-fragment]").forEach(takeFragment);
all("form[data-onward]").forEach(goOn);
all("[data-stream]").forEach(follow);
all("[data-refresh]").forEach(keepFresh);

// A page from the back/forward cache may be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  all("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    one("[aria-busy]", form)?.removeAttribute("aria-busy");
  });
});
