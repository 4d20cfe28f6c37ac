// A conversation that is shown is read. Without this the button says so.

const form = document.querySelector("[data-mark-read]");
if (form) fetch(form.action, { method: "POST" }).then((answer) => answer.ok && form.remove());
