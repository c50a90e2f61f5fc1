// How does a page host an app? By the bridge that hosts use, in a frame that may run scripts and
// nothing else. What the test does with it stands on `window`; `callDaemon` is the test's.

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

/** What a host must set where a page names no domains. */
const POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'";

const seen = { sizes: [], calls: [], modes: [], initialized: 0 };
let bridge;

/** Shows a page, and resolves when it has introduced itself. */
async function showApp({ html, capabilities, context }) {
  const frame = Object.assign(document.createElement("iframe"), { title: "App", sandbox: "allow-scripts" });
  bridge = new AppBridge(null, { name: "a host", version: "1" }, capabilities, { hostContext: context });
  const initialized = new Promise((done) => (bridge.oninitialized = done));
  bridge.onsizechange = (size) => {
    seen.sizes.push(size);
    frame.style.height = `${size.height}px`;
  };
  bridge.onrequestdisplaymode = async ({ mode }) => {
    seen.modes.push(mode);
    return { mode };
  };
  bridge.oncalltool = async (params) => {
    seen.calls.push({ name: params.name, at: performance.now() });
    const answer = await window.callDaemon(params);
    if (answer.error) throw new Error(answer.error.message);
    return answer.result;
  };
  document.body.append(frame);
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${POLICY}">`);
  await initialized;
  seen.initialized += 1;
}

/** What a page that no host answers gets. */
function showAlone({ html }) {
  document.body.append(Object.assign(document.createElement("iframe"), { title: "App", sandbox: "allow-scripts", srcdoc: html }));
}

Object.assign(window, {
  seen,
  showApp,
  showAlone,
  input: (given) => bridge.sendToolInput({ arguments: given }),
  result: (result) => bridge.sendToolResult(result),
  cancelled: (reason) => bridge.sendToolCancelled({ reason }),
  change: (context) => bridge.setHostContext(context),
  tearDown: () => bridge.teardownResource({}),
  version: () => bridge.getAppVersion(),
});
