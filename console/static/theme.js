// Light and dark without leaving the page: leaving the desk would switch its sound off.

const button = document.querySelector("[data-theme-switch]");
const root = document.documentElement;
const isDark = () =>
  root.dataset.theme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);

function offerTheOther() {
  button.value = isDark() ? "light" : "dark";
  button.querySelector("use").setAttribute("href", `/static/icons.svg#${isDark() ? "sun" : "moon"}`);
}

offerTheOther();
button.addEventListener("click", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(button.form));
  body.set("theme", button.value);
  root.dataset.theme = button.value;
  offerTheOther();
  await fetch("/preferences", { method: "POST", body, redirect: "manual" });
});
