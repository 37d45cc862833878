const button = document.getElementById("code-switch");
const blocks = document.querySelectorAll("details.code");
if (button && blocks.length) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    blocks.forEach((block) => { block.open = open; });
  });
}
