/* Small comforts. Every page works without this file: it may count, warn, print and add a line, never decide. */
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const language = document.documentElement.lang;
  const figures = new Intl.NumberFormat(language === "ru" ? "ru-RU" : "en-GB");

  /* the error summary speaks first; its links put the reader into the field, not only beside it */
  const errors = document.querySelector("[data-gf-errors]");
  if (errors) {
    errors.focus();
    all("a[href^='#']", errors).forEach((link) => link.addEventListener("click", (event) => {
      const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (!target) return;
      event.preventDefault();
      const control = target.matches("fieldset") ? target.querySelector("input") || target : target;
      const fold = target.closest("details");
      if (fold) fold.open = true;
      (target.closest(".gf-field") || target).scrollIntoView({ block: "start" });
      control.focus({ preventScroll: true });
    }));
  }

  /* soft counters: about so many characters, nothing is cut */
  const count = (area) => {
    const out = document.getElementById(area.dataset.gfCount);
    if (!out) return;
    const n = Array.from(area.value.replace(/\r\n/g, "\n")).length, limit = Number(area.dataset.gfLimit);
    const over = n > limit, hard = Number(area.dataset.gfHard || 0);
    out.classList.toggle("over", over);
    out.textContent = (hard && n > hard ? out.dataset.gfBeyond : over ? out.dataset.gfOver : out.dataset.gfOf)
      .replace("{n}", figures.format(n)).replace("{limit}", figures.format(limit)).replace("{over}", figures.format(n - limit))
      .replace("{hard}", figures.format(hard)).replace("{beyond}", figures.format(n - hard));
  };
  document.addEventListener("input", (event) => { if (event.target.dataset && event.target.dataset.gfCount) count(event.target); });
  document.addEventListener("gf-put", (event) => count(event.target));
  all("[data-gf-count]").forEach(count);

  /* one press, one sending; the Back button brings a living form again */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-gf-once]")) return;
    if (form.dataset.gfSent) { event.preventDefault(); return; }
    form.dataset.gfSent = "1";
    delete form.dataset.gfTouched;
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    window.setTimeout(() => { delete form.dataset.gfSent; }, 15000);
  });
  window.addEventListener("pageshow", () => all("[data-gf-once]").forEach((form) => {
    delete form.dataset.gfSent;
    all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
  }));

  /* words typed and not sent: ask before the page goes */
  document.addEventListener("input", (event) => {
    const form = event.target.closest && event.target.closest("form[data-gf-guard]");
    if (form) form.dataset.gfTouched = "1";
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-gf-touched]")) { event.preventDefault(); event.returnValue = ""; }
  });

  /* add a line: clone the last row, empty, with the next number; without a script the same button asks the server */
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-gf-add]");
    if (!button) return;
    const body = document.getElementById(button.dataset.gfAdd);
    const rows = body ? Array.from(body.rows || body.children) : [];
    const last = rows[rows.length - 1];
    const limit = Number(button.dataset.gfMost || 0);
    if (!last || (limit && rows.length >= limit)) return;
    event.preventDefault();
    const row = last.cloneNode(true);
    const next = (text) => text.replace(/-(\d+)(?=-|$)/, (_, n) => "-" + (Number(n) + 1));
    all("[name], [id], [for], [aria-describedby]", row).concat(row).forEach((node) => {
      ["name", "id", "for"].forEach((key) => { if (node.hasAttribute(key)) node.setAttribute(key, next(node.getAttribute(key))); });
      node.removeAttribute("aria-describedby");
      node.removeAttribute("aria-invalid");
      node.classList.remove("is-invalid");
    });
    all("[aria-label]", row).forEach((node) => node.setAttribute("aria-label",
      node.getAttribute("aria-label").replace(/\d+(?!.*\d)/, (n) => Number(n) + 1)));
    all(".gf-wrong", row).forEach((node) => node.remove());
    all("[data-gf-n]", row).forEach((node) => { node.textContent = Number(node.textContent) + 1; });
    all("[data-gf-sum]", row).forEach((node) => { node.textContent = ""; });
    all("input, textarea", row).forEach((node) => {
      if (node.type === "checkbox" || node.type === "radio") node.checked = false; else if (node.type !== "hidden" || node.dataset.gfEmpty !== undefined) node.value = "";
    });
    all("select", row).forEach((node) => { node.selectedIndex = 0; });
    last.after(row);
    const first = row.querySelector("input:not([type=hidden]), select, textarea");
    if (first) first.focus();
  });

  /* a link that ticks a whole list becomes a box that does it at once, and follows what is ticked by hand */
  all("a[data-gf-all]").forEach((link) => {
    const form = link.closest("form"), boxes = all("input[type=checkbox][name='" + link.dataset.gfAll + "']", form);
    const whole = document.createElement("input"), label = document.createElement("label");
    const follow = () => {
      const n = boxes.filter((box) => box.checked).length;
      whole.checked = n === boxes.length;
      whole.indeterminate = n > 0 && n < boxes.length;
    };
    Object.assign(whole, { type: "checkbox", className: "form-check-input", id: "all-" + link.dataset.gfAll });
    Object.assign(label, { className: "form-check-label", htmlFor: whole.id, textContent: link.dataset.gfWords });
    whole.addEventListener("change", () => boxes.forEach((box) => { box.checked = whole.checked; }));
    boxes.forEach((box) => box.addEventListener("change", follow));
    window.addEventListener("pageshow", follow);  // the Back button brings ticks back
    link.replaceWith(whole, label);
    follow();
  });

  /* a question that hangs on another answer of this page: folded until that answer is given; without a script all stand open */
  const hangs = all("[data-gf-when]");
  const fold = () => hangs.forEach((part) => {
    const name = "q-" + part.dataset.gfWhen, wanted = part.dataset.gfValues.split(" ");
    const given = all("[name='" + name + "']").filter((n) => n.type === "radio" || n.type === "checkbox" ? n.checked : true).map((n) => n.value);
    part.hidden = !given.some((value) => wanted.includes(value));
  });
  if (hangs.length) { document.addEventListener("change", fold); fold(); }

  /* words kept on this device: signing out takes along what this person never saved, so that the next one at this machine
     finds nothing; nobody's stay longer than a fortnight */
  const forget = (gone) => {
    try {
      Object.keys(window.localStorage).filter((key) => key.startsWith("gf-words:") && gone(key)).forEach((key) => window.localStorage.removeItem(key));
    } catch { /* no store, nothing kept */ }
  };
  forget((key) => Date.now() - JSON.parse(window.localStorage.getItem(key)).at > 14 * 86400000);
  all("form[data-gf-out]").forEach((form) => form.addEventListener("submit",
    () => forget((key) => key.startsWith("gf-words:" + form.dataset.gfOut + ":"))));

  /* files go as soon as they are chosen, one after the other, each with its bar; without a script they go with Save */
  const listed = async (list) => {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      const next = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(list.id);
      if (next) { list.replaceChildren(...next.childNodes); list.toggleAttribute("data-gf-waiting", next.hasAttribute("data-gf-waiting")); }
    } catch { /* away for a moment: asked again below, or with the next page */ }
    if (list.hasAttribute("data-gf-waiting")) window.setTimeout(() => listed(list), 4000);
  };
  all("[data-gf-upload]").forEach((field) => {
    const form = field.form, said = field.dataset, list = document.getElementById(said.gfList), lines = document.getElementById(field.id + "-going");
    if (!form || !list || !lines || !window.FormData || !window.fetch) return;
    let queue = [], refused = [], asking = null, marked = false;
    const line = (file, words, wrong) => {
      const made = document.createElement("li");
      made.textContent = file.name + ": " + words;
      made.className = wrong ? "gf-wrong" : "gf-2nd";
      lines.append(made);
      return made;
    };
    /* what arrived leaves the field; what was refused stays in it, so that Save says why once more */
    const keep = (files) => {
      try { const held = new DataTransfer(); files.forEach((file) => held.items.add(file)); field.files = held.files; } catch { field.value = ""; }
    };
    const next = () => {
      const file = queue.shift();
      if (!file) {
        asking = null;
        keep(refused);
        if (marked) { delete form.dataset.gfTouched; marked = false; }
        listed(list);
        return;
      }
      const made = line(file, said.gfGoing, false), bar = document.createElement("progress"), ask = asking = new XMLHttpRequest(), words = new FormData();
      bar.max = 100; bar.value = 0; bar.setAttribute("aria-label", file.name); made.append(" ", bar);
      words.append("csrf_token", form.elements.csrf_token.value);
      words.append("file", file, file.name);
      ask.open("POST", said.gfUpload);
      ask.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total * 100; });
      ask.upload.addEventListener("load", () => { made.textContent = file.name + ": " + said.gfThere; });
      ask.addEventListener("loadend", () => {
        if (ask !== asking) return;
        let told = null;
        try { told = JSON.parse(ask.responseText); } catch { /* a page instead of an answer: signed out, or too large on the way */ }
        if (ask.status === 200 && told) made.remove();
        else {
          refused.push(file);
          made.className = "gf-wrong";
          made.textContent = file.name + ": " + (told && told.said ? told.said : said.gfAway);
        }
        next();
      });
      ask.send(words);
    };
    field.addEventListener("input", (event) => event.stopPropagation());
    field.addEventListener("change", () => {
      const chosen = Array.from(field.files), small = chosen.filter((file) => file.size <= Number(said.gfMost));
      if (asking) { const last = asking; asking = null; last.abort(); }
      lines.replaceChildren();
      refused = chosen.filter((file) => !small.includes(file));
      refused.forEach((file) => line(file, said.gfLarge, true));
      queue = small;
      if (!queue.length) return;
      if (!form.dataset.gfTouched) { form.dataset.gfTouched = "1"; marked = true; }
      next();
    });
    /* Save while they are on their way: the form carries them itself, and what has arrived already stands once */
    form.addEventListener("submit", () => { if (asking) { const last = asking; asking = null; queue = []; last.abort(); } });
  });
  all("[data-gf-waiting]").forEach((list) => window.setTimeout(() => listed(list), 4000));

  /* work under way in the background: its part of the page is asked for anew until it is done; without a script the page
     itself comes again */
  const live = (part) => {
    if (!window.fetch) return;
    window.setTimeout(async () => {
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        if (answer.ok) {
          const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
          if (!next || !next.dataset.gfLive) { location.reload(); return; }
          part.replaceChildren(...next.childNodes);
        }
      } catch { /* the server is away for a moment: ask again */ }
      live(part);
    }, Number(part.dataset.gfLive));
  };
  all("[data-gf-live]").forEach(live);

  /* print */
  all("[data-gf-print]").forEach((button) => { button.hidden = false; button.addEventListener("click", () => window.print()); });

  /* the menu folds when the reader leaves it */
  all(".gf-menu").forEach((menu) => {
    document.addEventListener("click", (event) => { if (menu.open && !menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => { if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); } });
  });
})();
