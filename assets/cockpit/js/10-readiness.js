// Is the daemon ready for requests, and if not, why?

const readiness = document.getElementById("readiness");

async function showReadiness() {
  try {
    const answer = await (await fetch("/readyz", { cache: "no-store" })).json();
    readiness.textContent =
      answer.status === "ready" ? "The daemon is ready." : `The daemon is not ready: ${answer.reason}.`;
  } catch {
    readiness.textContent = "The daemon does not answer; start it, and reload the page.";
  }
}

showReadiness();
